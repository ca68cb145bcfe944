"""A stage's run is identified by all that its numbers depend on, and by nothing else."""

import pytest

from pipeline.job.inputs import TRAINERS
from pipeline.job.runs import Job, StageSpec, stage_run
from pipeline.presets.load import load_preset


def name_of(store, **model) -> str:
    preset = load_preset("tiny").with_knobs("model", **model)
    job = Job(store, preset, lambda name: lambda step, of, numbers: None)
    spec = StageSpec(kind="sft", stage="sft", config={"seed": 0}, inputs={})
    return stage_run(job, spec, lambda run: {}).run


@pytest.mark.parametrize(
    "knob",
    [{"block_attention": True}, {"remat": True}, {"dtype": "bfloat16"}, {"fsdp": 2},
     {"tensor_parallel": 2}],
)  # fmt: skip
def test_another_attention_precision_or_mesh_is_another_run(store, knob):
    first = name_of(store)
    assert name_of(store) == first
    assert name_of(store, **knob) != first


def test_the_path_of_a_model_is_not_part_of_a_runs_name(store):
    # the hash of its files is, among the stage's inputs
    assert name_of(store, model="/elsewhere/tiny") == name_of(store)


def test_the_hash_of_the_code_includes_packages_that_order_the_data():
    assert {"grain", "numpy", "jaxlib", "tokenizers"} <= set(TRAINERS)
