"""What is in memory beside a step: adapters, optimizer, summed gradients, cache and prompts."""

import jax
import optax
import pytest
from flax import nnx

from pipeline.config import Preset
from pipeline.generate import decode, engine
from pipeline.model import device_mesh, gemma3
from pipeline.model.lora import add_adapters
from pipeline.preflight import abstract, compiled, programs, report, steps
from pipeline.preflight.chips import CHIPS, GIB, chip_of
from pipeline.preflight.compiled import Compiled
from pipeline.preflight.estimate import estimated
from pipeline.presets.load import load_preset
from pipeline.train.optimizer import adamw
from tests.support.compiled_preset import as_compiled

V6E = as_compiled()
STATE = ("adapters", "optimizer")


def parts_of(preset: Preset, name: str) -> dict[str, int]:
    [step] = [step for step in steps.steps_of(preset) if step.name == name]
    return estimated(step, preset, 32 * GIB).parts


@pytest.fixture
def small(few) -> Preset:
    """The preset tiny, with a model of two layers."""
    return load_preset("tiny").with_knobs("model", model=str(few))


@pytest.fixture
def compiler(monkeypatch):
    """Replace the compiler by one that reports arguments of these bytes, and nothing more."""

    def report_parts(parts: dict[str, int]) -> None:
        answer = Compiled(
            parts=parts, temporaries=0, peak=sum(parts.values()), flops=1, moved=1, seconds=0
        )
        monkeypatch.setattr(report, "compile_step", lambda *_: answer)

    return report_parts


@pytest.mark.parametrize(
    ("name", "called_with", "beside"),
    [
        ("reference", {"weights": 10, "adapters": 0}, STATE),
        ("old policy", {"weights": 10, "adapters": 3}, ("optimizer",)),
        ("rollout prefill", {"weights": 10, "adapters": 3}, ("optimizer", "cache", "prompts")),
        ("rollout insert", {"cache": 10, "prompts": 3}, ("weights", *STATE)),
        ("rollout decode", {"weights": 10, "cache": 3}, ("optimizer", "prompts")),
        ("eval prefill", {"weights": 10, "adapters": 0}, ("cache", "prompts")),
        ("eval insert", {"cache": 10, "prompts": 3}, ("weights",)),
        ("eval decode", {"weights": 10, "cache": 3}, ("prompts",)),
        ("sft", {"weights": 10, "adapters": 3}, ()),
    ],
)
def test_what_is_no_argument_of_a_program_is_counted_beside_it(compiler, name, called_with, beside):
    compiler(called_with)
    preset = V6E.with_knobs("grpo", updates=2)
    [step] = [step for step in steps.steps_of(preset) if step.name == name]
    needs = report.needs_of(step, preset, CHIPS["v6e"], use_compiler=True)
    guess = parts_of(preset, name)
    assert needs.parts == called_with | {part: guess[part] for part in beside}
    assert min(needs.parts[part] for part in beside or ["weights"]) > 0
    assert needs.peak == sum(called_with.values()) + sum(guess[part] for part in beside)


def test_summed_gradients_are_in_memory_in_every_step_of_grpo():
    pieces, whole = V6E, V6E.with_knobs("grpo", micro_batch=0)
    adapters = parts_of(pieces, "grpo")["adapters"]
    for step in steps.steps_of(V6E):
        if step.name == "sft" or step.name.startswith("eval"):
            continue
        assert parts_of(pieces, step.name)["optimizer"] == 3 * adapters
        assert parts_of(whole, step.name)["optimizer"] == 2 * adapters
    assert parts_of(pieces, "sft")["optimizer"] == 2 * parts_of(pieces, "sft")["adapters"]


@pytest.mark.parametrize("micro_batch", [0, 2])
def test_the_estimate_counts_the_optimizer_of_training(small, few, micro_batch):
    preset = small.with_knobs("grpo", micro_batch=micro_batch)
    start = gemma3.load(str(few))
    rank = preset.grpo.lora_rank
    model = add_adapters(start.model, rank=rank, alpha=1.0, seed=0, mesh=start.mesh)
    rule = adamw(preset.grpo, 10)
    if (pieces := steps.pieces_of(preset)) > 1:
        rule = optax.MultiSteps(rule, pieces).gradient_transformation()
    state = nnx.state(nnx.Optimizer(model, rule, wrt=nnx.LoRAParam))
    size = sum(leaf.nbytes for leaf in jax.tree.leaves(state))
    assert parts_of(preset, "rollout decode")["optimizer"] == pytest.approx(size, abs=64)


def test_the_estimate_counts_the_cache_and_the_prompts_of_the_engine(small, few):
    preset = small.with_knobs("eval", max_prompt_tokens=600, max_tokens=200)
    model = gemma3.load(str(few)).model
    [step] = [step for step in steps.steps_of(preset) if step.name == "eval decode"]
    dtype = jax.tree.leaves(nnx.state(model))[0].dtype
    slots = jax.eval_shape(lambda: decode.free_slots(model, step.rows, 800, 200, dtype))
    parts = parts_of(preset, "eval decode")
    assert parts["cache"] == size_of(slots.cache)
    ids = jax.ShapeDtypeStruct((step.prompts_per_call, 600), "int32")
    lengths = jax.ShapeDtypeStruct((step.prompts_per_call,), "int32")
    read = decode.compiled_steps(model, [1], None).read
    prompts = jax.eval_shape(read, jax.tree.leaves(nnx.state(model)), ids, lengths)
    assert parts["prompts"] == size_of(prompts) - size_of(lengths)


def size_of(tree) -> int:
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def test_the_engine_reads_as_many_prompts_per_call_as_preflight_assumes():
    step = steps.Step(name="rollout", kind="prefill", rows=40, completion=1)
    assert step.prompts_per_call == 40 // engine.PROMPTS_FRACTION == 5


def test_an_insert_is_compiled_too(small, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    preset = small.with_knobs("grpo", max_tokens=8, max_prompt_tokens=16)
    [step] = [step for step in steps.steps_of(preset) if step.name == "rollout insert"]
    program = compiled.compile_step(step, preset, chip_of("cpu"))
    guess = estimated(step, preset, 32 * GIB)
    assert program.parts["cache"] == guess.parts["cache"]
    assert program.parts["prompts"] == pytest.approx(guess.parts["prompts"], rel=1e-3)
    assert program.temporaries is not None
    needs = report.needs_of(step, preset, chip_of("cpu"), use_compiler=True)
    assert needs.peak == program.peak + sum(guess.parts[name] for name in ("weights", *STATE))


def test_adapters_are_not_counted_among_the_weights_of_a_trained_model(small):
    preset = small
    [step] = [step for step in steps.steps_of(preset) if step.name == "rollout decode"]
    mesh = device_mesh()
    with abstract.traced_for(mesh):
        model = abstract.inference_model(step, preset, mesh)
    guess = estimated(step, preset, 32 * GIB).parts
    assert programs._parts(model) == {name: guess[name] for name in ("weights", "adapters")}


def test_samples_of_a_problem_share_one_prefill_of_its_prompt():
    preset = V6E.with_knobs("eval", samples=4, temperature=1.0)
    calls = {stage.name: stage.calls for stage in steps.stages_of(preset, problems=100)}
    # 64 slots read 8 prompts per call; 32 slots read 4, which are all prompts of a step
    assert calls["eval, each of three"]["eval prefill"] == 13
    assert calls["grpo"]["rollout prefill"] == preset.grpo.steps
    assert calls["eval, each of three"]["eval decode"] == 7 * preset.eval.max_tokens


def test_jax_lists_this_machines_devices_again_after_a_trace():
    devices = jax.devices()
    with abstract.traced_for(device_mesh()):
        pass
    assert jax.devices() == devices


def test_the_batch_of_several_updates_has_the_scores_of_the_policy_before_them():
    def example(updates: int):
        preset = load_preset("tiny").with_knobs("grpo", updates=updates)
        [step] = [one for one in steps.steps_of(preset) if one.name == "grpo"]
        return step, abstract.batch_of(step, preset, device_mesh())["example"]

    assert example(1)[1].old_per_token_logps is None
    step, batch = example(2)
    assert batch.old_per_token_logps.shape == (step.rows, step.completion)
