"""Preflight: what fits, what does not, and what would; by arithmetic and by a compiler."""

import json
from dataclasses import replace

import pytest

from pipeline import models
from pipeline.config import load_preset
from pipeline.preflight import report, steps
from pipeline.preflight.chips import CHIPS, GIB, BadChip, chip_of
from pipeline.preflight.compiled import compiled, has_compiler, overfull
from pipeline.preflight.estimate import estimated, flops
from pipeline.preflight.needs import seconds
from pipeline.preflight.sizes import Sizes, UnknownModel, config_of, sizes_in

V6E = load_preset("v6e-1")
# GiB of one v6e, as libtpu 0.0.42 compiled these steps of Gemma 3 1B with adapters of rank 64:
# arguments, temporaries and outputs, less what they share
COMPILED = {
    ("sft:1x4096", "tunix"): 15.65,
    ("sft:1x16384", "tunix"): 82.69,
    ("grpo:8x1024", "tunix"): 21.88,
    ("sft:1x4096", "ours"): 3.35,
    ("sft:1x16384", "ours"): 4.89,
    ("grpo:8x1024", "ours"): 3.66,
    ("grpo:64x1024", "ours"): 10.69,
}


def tiny_sizes() -> Sizes:
    return sizes_in(config_of("tiny"))


@pytest.mark.parametrize(("step", "loss"), COMPILED)
def test_the_estimate_is_within_a_fifth_of_what_the_compiler_said(step, loss):
    asked = replace(steps.step_in(step, V6E), loss=loss)
    found = estimated(asked, V6E, CHIPS["v6e"].memory)
    assert found.peak / GIB == pytest.approx(COMPILED[step, loss], rel=0.2)
    assert found.fits == (COMPILED[step, loss] < 31.25)


def test_the_weights_counted_are_those_of_the_model():
    model = models.load("tiny").model
    assert tiny_sizes().parameters == models.parameters(model)


def test_the_adapters_counted_are_those_that_training_adds():
    from flax import nnx

    from pipeline.lora import add_adapters

    start = models.load("tiny")
    model = add_adapters(start.model, rank=3, alpha=1.0, seed=0, mesh=start.mesh)
    state = nnx.state(model, nnx.LoRAParam)
    import jax

    assert tiny_sizes().adapters(3) == sum(leaf.size for leaf in jax.tree.leaves(state))


def test_operations_are_twice_the_products_of_the_matrices():
    sizes = Sizes(vocabulary=100, features=8, hidden=16, layers=6, heads=2, kv_heads=2, head_dim=4,
                  window=1_000)  # fmt: skip
    step = steps.Step(name="x", kind="prefill", rows=1, prompt=1, completion=1)
    layer = 8 * 8 * 4 + 3 * 8 * 16
    attention = 2 * 2 * 1 * 1 * 4 * 2
    assert flops(step, sizes, remat=False) == 2 * (6 * layer + 100 * 8) + 6 * attention


def test_the_compiler_of_this_machine_says_what_a_step_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    preset = load_preset("tiny").with_knobs("grpo", max_tokens=8, max_prompt_tokens=16)
    step = steps.Step(name="reference", kind="reference", rows=2, prompt=16, completion=8)
    chip = chip_of("tiny")
    assert has_compiler(chip)
    found = compiled(step, preset, chip)
    assert found.parts["weights"] == 4 * tiny_sizes().parameters
    assert found.temporaries is not None
    assert found.peak > found.parts["weights"]
    [kept] = tmp_path.rglob("*.json")
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"seconds": 0.0}))
    assert compiled(step, preset, chip).seconds == 0.0  # not compiled again


@pytest.mark.parametrize(
    ("said", "needed"),
    [
        ("Ran out of memory in memory space hbm. Used 82.69G of 31.25G hbm. Exceeded by", 82.69),
        ("Ran out of memory on HBM, the total memory required for HLO temporaries (80.02G) exceeds"
         " available HBM (31.25G).", 82.02),
    ],
)  # fmt: skip
def test_what_the_compiler_says_when_memory_runs_out_is_read(said, needed):
    found = overfull(f"RESOURCE_EXHAUSTED: {said}", {"weights": GIB, "optimizer": GIB})
    assert found == pytest.approx(needed * GIB)


def test_another_error_of_the_compiler_is_not_taken_for_a_want_of_memory():
    assert overfull("INTERNAL: Mosaic failed to compile TPU kernel", {"weights": GIB}) is None


def test_what_does_not_fit_is_answered_with_the_nearest_setting_that_does():
    chip = CHIPS["v5e"]
    preset = V6E.with_knobs("grpo", prompts=16, micro_batch=16)
    said = list(
        report.said_of(
            steps.steps_of(preset), preset, chip, compile=False, progress=lambda *_: None
        )
    )
    wrong = [one.step.name for one in said if not one.needs.fits]
    assert "grpo" in wrong
    found = {one.step: one for one in report.proposals(preset, said, chip)}
    assert set(found) == set(wrong)
    assert found["grpo"].assignments[0].startswith("grpo.micro_batch=")
    [knob] = found["grpo"].assignments
    smaller = preset.with_knobs("grpo", micro_batch=int(knob.partition("=")[2]))
    named = {step.name: step for step in steps.steps_of(smaller)}
    assert estimated(named["grpo"], smaller, chip.memory).fits


@pytest.mark.parametrize("preset", ["v6e-1", "v5e-8", "v5e-8-2x4", "h200"])
def test_every_bundled_preset_fits_its_chip(preset):
    chosen = load_preset(preset)
    chip = chip_of(preset)
    over = [
        step.name
        for step in steps.steps_of(chosen)
        if not estimated(step, chosen, chip.memory).fits
    ]
    assert over == []


def test_the_bound_of_a_decode_step_is_the_reading_of_weights_and_cache():
    [decode] = [one for one in steps.steps_of(V6E) if one.name == "rollout decode"]
    needs = estimated(decode, V6E, CHIPS["v6e"].memory)
    assert seconds(needs, CHIPS["v6e"]) == pytest.approx(needs.moved / 1_640e9)
    assert seconds(needs, chip_of("cpu")) is None  # its speed is not known


@pytest.mark.parametrize(
    "text", ["", "sft", "sft:4096", "sft:0x4096", "grpo:8x100", "sft:1x2+3", "x:1x1", "sft:1x1;ls"]
)
def test_a_step_that_is_none_says_how_one_is_written(text):
    with pytest.raises(steps.BadStep, match=r"expected sft:ROWSxTOKENS|must be at least 1"):
        steps.step_in(text, V6E)


def test_a_chip_and_a_model_that_are_not_known_say_which_are():
    with pytest.raises(BadChip, match="v6e, v5e, h100, h200 and cpu"):
        chip_of("tpu9")
    with pytest.raises(UnknownModel, match="google/gemma-3-1b-it"):
        config_of("google/gemma-9-1b-it")
    with pytest.raises(BadChip, match="1, 4, 8"):
        CHIPS["v6e"].topology(3)


def test_the_command_prints_one_object_and_refuses_what_cannot_fit(say):
    code, out, _ = say("preflight", "--estimate", "--json")
    value = json.loads(out)
    assert (code, value["fits"], value["how"]) == (0, True, "estimated")
    assert {row["step"] for row in value["steps"]} >= {"sft", "grpo", "rollout decode"}
    knobs = ("--set", "sft.batch=64", "--set", "model.remat=false")
    code, out, _ = say("preflight", "--estimate", "--json", *knobs)
    value = json.loads(out)
    assert (code, value["fits"]) == (1, False)
    [proposal] = value["proposals"]
    assert proposal["assignments"][0].startswith("sft.batch=")


def test_all_that_is_compared_comes_from_one_command(say):
    code, out, _ = say("preflight", "--estimate", "--compare")
    assert code == 0  # ours fit
    assert [out.count(step) for step in steps.COMPARED] == [2, 2, 2, 2]
