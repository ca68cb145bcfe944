"""A stage's run is identified by all that its numbers depend on, and by nothing else."""

import pytest

from data.progress import no_progress
from data.response_format import INSTRUCTION
from pipeline.config import EvalConfig, as_json
from pipeline.evaluate.served.server import Server
from pipeline.job import runs as job_runs
from pipeline.job.runs import Job, StageSpec, stage_run
from pipeline.job.served_evaluation import run_config
from pipeline.presets.load import load_preset


def name_of(store, **model) -> str:
    preset = load_preset("tiny").with_knobs("model", **model)
    job = Job(store, preset, lambda name: no_progress)
    spec = StageSpec(
        kind="sft", stage="sft", module="pipeline.config.preset", config={"seed": 0}, inputs={}
    )
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


def test_a_run_of_an_older_version_is_found_again_by_the_same_name(store, monkeypatch):
    # names that earlier versions gave these stages (GRPO: since it has `judge`): a renamed
    # key of a config would change them
    monkeypatch.setattr(job_runs, "hash_of", lambda code: "code")
    preset = load_preset("tiny")
    job = Job(store, preset, lambda name: no_progress)
    sections = {
        ("sft", "sft"): preset.sft,
        ("grpo", "grpo"): preset.grpo,
        ("eval", "base"): preset.eval,
    }
    names = []
    for (kind, stage), section in sections.items():
        read = {"model": "m", "examples": "e"}
        # the split is told by kind and stage
        config = {name: value for name, value in as_json(section).items() if name != "split"}
        spec = StageSpec(
            kind=kind, stage=stage, module="pipeline.config.preset", config=config, inputs=read
        )
        names.append(stage_run(job, spec, lambda run: {}).run)
    assert names == ["sft-1dfa4935eee7", "grpo-c80ea6e3b6d4", "eval-base-c6ab41ad48ea"]


def test_the_answers_of_a_server_are_found_again_by_the_same_config():
    assert run_config(EvalConfig(), Server("http://x/v1", "m")) == {
        "limit": 0,
        "samples": 1,
        "temperature": 0.0,
        "top_k": 0,
        "top_p": 1.0,
        "max_tokens": 768,
        "seed": 0,
        "served": "http://x/v1",
        "model": "m",
        "instruction": INSTRUCTION,
    }
