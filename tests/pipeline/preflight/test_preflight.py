"""Preflight: which steps fit a chip and which setting would, by arithmetic and by a compiler."""

import json
from dataclasses import replace

import pytest

from data.errors import UserError
from pipeline.config import Preset
from pipeline.model import gemma3
from pipeline.preflight import report, steps
from pipeline.preflight.chips import CHIPS, GIB, BadChip, chip_of
from pipeline.preflight.compiled import bytes_needed, compile_step, has_compiler
from pipeline.preflight.estimate import estimated, flops
from pipeline.preflight.needs import likely_seconds, seconds
from pipeline.preflight.proposals import proposals
from pipeline.preflight.sizes import Sizes, config_of, sizes_in
from pipeline.preflight.step_notation import COMPARED, parse_step, step_text
from pipeline.presets.load import load_preset

V6E = load_preset("v6e-1")
# GiB of one v6e, as libtpu 0.0.42.1 compiled these steps of Gemma 3 1B with adapters of rank 64, in
# one run of `preflight --compare --compile`: arguments, temporaries and outputs, less what they
# share. "ours": this project's losses, attention in blocks, layers recomputed; "tunix": the default
# losses of Tunix 0.1.7, dense attention, nothing recomputed, with the same adapters and optimizer.
COMPILED = {
    ("sft:1x4096", "ours"): 3.35,
    ("sft:1x16384", "ours"): 4.89,
    ("grpo:8x1024", "ours"): 3.66,
    ("grpo:64x1024", "ours"): 10.69,
    ("sft:1x4096", "tunix"): 15.94,
    ("grpo:8x1024", "tunix"): 22.23,
}
# The same for steps where the compiler gave up: the arguments and the temporaries that it still
# needed then. No arithmetic predicts how far it gets.
GIVEN_UP = {("sft:1x16384", "tunix"): 82.44, ("grpo:64x1024", "tunix"): 97.40}
# The same for the engine's steps in an evaluation of the preset v6e-1, other memory included.
ENGINE = {"eval prefill": 2.95, "eval insert": 2.87, "eval decode": 3.03}


def named(preset: Preset) -> dict[str, steps.Step]:
    return {step.name: step for step in steps.steps_of(preset)}


def tiny_sizes() -> Sizes:
    return sizes_in(config_of("tiny"))


@pytest.mark.parametrize(("step", "loss"), COMPILED)
def test_the_estimate_is_within_a_fifth_of_the_compilers_figure(step, loss):
    parsed = replace(parse_step(step, V6E), loss=loss)
    needs = estimated(parsed, V6E, CHIPS["v6e"].memory)
    assert needs.peak / GIB == pytest.approx(COMPILED[step, loss], rel=0.2)
    assert needs.fits


@pytest.mark.parametrize(("step", "loss"), GIVEN_UP)
def test_a_step_that_the_compiler_gave_up_does_not_fit_by_arithmetic(step, loss):
    parsed = replace(parse_step(step, V6E), loss=loss)
    needs = estimated(parsed, V6E, CHIPS["v6e"].memory)
    assert needs.peak / GIB > 0.9 * GIVEN_UP[step, loss]
    assert not needs.fits


@pytest.mark.parametrize("name", ENGINE)
def test_the_estimate_of_the_engine_is_within_a_tenth_of_the_compilers_figure(name):
    needs = estimated(named(V6E)[name], V6E, CHIPS["v6e"].memory)
    assert needs.peak / GIB == pytest.approx(ENGINE[name], rel=0.1)


def test_the_estimate_counts_the_weights_of_the_model():
    model = gemma3.load("tiny").model
    assert tiny_sizes().parameters == gemma3.parameters(model)


def test_the_estimate_counts_the_adapters_that_training_adds():
    from flax import nnx

    from pipeline.model.lora import add_adapters

    start = gemma3.load("tiny")
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


def test_the_compiler_of_this_machine_reports_what_a_step_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    preset = load_preset("tiny").with_knobs("grpo", max_tokens=8, max_prompt_tokens=16)
    step = steps.Step(name="reference", kind="reference", rows=2, prompt=16, completion=8)
    chip = chip_of("tiny")
    assert has_compiler(chip)
    program = compile_step(step, preset, chip)
    assert program.parts["weights"] == 4 * tiny_sizes().parameters
    assert program.temporaries is not None
    assert program.peak > program.parts["weights"]
    [cached] = tmp_path.rglob("*.json")
    cached.write_text(json.dumps(json.loads(cached.read_text()) | {"seconds": 0.0}))
    assert compile_step(step, preset, chip).seconds == 0.0  # not compiled again


@pytest.mark.parametrize(
    ("message", "needed"),
    [
        ("Ran out of memory in memory space hbm. Used 82.69G of 31.25G hbm. Exceeded by", 82.69),
        ("Ran out of memory on HBM, the total memory required for HLO temporaries (80.02G) exceeds"
         " available HBM (31.25G).", 82.02),
    ],
)  # fmt: skip
def test_the_compilers_error_for_too_little_memory_is_read(message, needed):
    size = bytes_needed(f"RESOURCE_EXHAUSTED: {message}", {"weights": GIB, "optimizer": GIB})
    assert size == pytest.approx(needed * GIB)


def test_another_error_of_the_compiler_is_not_taken_for_too_little_memory():
    assert bytes_needed("INTERNAL: Mosaic failed to compile TPU kernel", {"weights": GIB}) is None


def test_a_step_that_does_not_fit_gets_the_nearest_setting_that_does():
    chip = CHIPS["v5e"]
    preset = V6E.with_knobs("grpo", prompts=16, micro_batch=16)
    needs = list(
        report.needs_of_steps(
            steps.steps_of(preset), preset, chip, use_compiler=False, progress=lambda *_: None
        )
    )
    too_large = [one.step.name for one in needs if not one.needs.fits]
    assert "grpo" in too_large
    proposed = {one.step: one for one in proposals(preset, needs, chip)}
    assert set(proposed) == set(too_large)
    assert proposed["grpo"].assignments[0].startswith("grpo.micro_batch=")
    [knob] = proposed["grpo"].assignments
    smaller = preset.with_knobs("grpo", micro_batch=int(knob.partition("=")[2]))
    assert estimated(named(smaller)["grpo"], smaller, chip.memory).fits


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


def test_a_decode_step_takes_at_least_the_time_to_read_weights_and_cache():
    decode = named(V6E)["rollout decode"]
    needs = estimated(decode, V6E, CHIPS["v6e"].memory)
    assert seconds(needs, CHIPS["v6e"]) == pytest.approx(needs.moved / 1_640e9)
    assert seconds(needs, chip_of("cpu")) is None  # its speed is unknown


def test_the_likely_time_assumes_a_share_of_the_chips_peak():
    needs = {name: estimated(step, V6E, GIB) for name, step in named(V6E).items()}
    v6e = CHIPS["v6e"]
    training, decode = needs["sft"], needs["rollout decode"]
    assert likely_seconds(training, v6e) == pytest.approx(training.flops / (0.4 * 918e12))
    assert likely_seconds(decode, v6e) == pytest.approx(decode.moved / (0.6 * 1_640e9))
    assert likely_seconds(training, chip_of("cpu")) is None


def test_a_training_step_reads_the_weights_once_for_each_pass():
    sft = named(V6E)["sft"]
    needs = estimated(sft, V6E, GIB)
    weights, optimizer = needs.parts["weights"] + needs.parts["adapters"], needs.parts["optimizer"]
    assert needs.moved == 3 * weights + 2 * optimizer
    without_remat = estimated(sft, V6E.with_knobs("model", remat=False), GIB)
    assert without_remat.moved == 2 * weights + 2 * optimizer


@pytest.mark.parametrize(
    "text", ["", "sft", "sft:4096", "sft:0x4096", "grpo:8x100", "sft:1x2+3", "x:1x1", "sft:1x1;ls"]
)
def test_the_error_for_a_wrong_step_shows_the_notation(text):
    with pytest.raises(UserError, match=r"expected sft:ROWSxTOKENS|must be at least 1"):
        parse_step(text, V6E)


def test_the_error_for_an_unknown_chip_or_model_lists_those_that_are_known():
    with pytest.raises(BadChip, match="v6e, v5e, h100, h200 and cpu"):
        chip_of("tpu9")
    with pytest.raises(UserError, match="google/gemma-3-1b-it"):
        config_of("google/gemma-9-1b-it")
    with pytest.raises(BadChip, match="1, 4, 8"):
        CHIPS["v6e"].topology(3)


def test_the_command_prints_one_object_and_fails_if_a_step_does_not_fit(say):
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


def test_one_command_compares_all_steps(say):
    code, out, _ = say("preflight", "--estimate", "--compare")
    assert code == 0  # ours fit
    assert [out.count(step) for step in COMPARED] == [2, 2, 2, 2]


@pytest.mark.parametrize("how", ["--compare", "--estimate"])
def test_a_step_given_by_its_numbers_gets_the_nearest_one_that_fits(say, how):
    options = ["--step", "sft:64x16384", "--step", "grpo:4096x1024", "--step", "sft:1x4096"]
    code, out, _ = say("preflight", "--estimate", "--json", *options, how)
    value = json.loads(out)
    assert (code, value["fits"]) == (1, False)
    assert [(one["step"], one["instead"]) for one in value["proposals"]] == [
        ("sft:64x16384", "sft:8x16384"),
        ("grpo:4096x1024", "grpo:128x256+768"),
    ]
    for one in value["proposals"]:
        assert estimated(parse_step(one["instead"], V6E), V6E, CHIPS["v6e"].memory).fits
    _, out, _ = say("preflight", "--estimate", "--step", "sft:64x16384")
    assert "sft:64x16384 would fit as sft:8x16384, with about" in out


def test_a_step_is_parsed_and_formatted_the_same():
    for text in ("sft:8x16384", "grpo:128x256+768"):
        assert step_text(parse_step(text, V6E)) == text


def test_times_are_shown_as_a_bound_and_under_a_stated_assumption(say):
    _, out, _ = say("preflight", "--estimate", "--json")
    value = json.loads(out)
    assert value["assumed"] == {"operations_reached": 0.4, "bandwidth_reached": 0.6}
    sft, grpo = value["stages"]
    rows = {row["step"]: row for row in value["steps"]}
    assert sft["seconds"] == pytest.approx(4_000 * rows["sft"]["seconds"])
    assert sft["likely_seconds"] == pytest.approx(sft["seconds"] / 0.4)
    assert grpo["seconds"] / 0.6 < grpo["likely_seconds"] < grpo["seconds"] / 0.4
    _, out, _ = say("preflight", "--estimate")
    words = " ".join(out.split())
    assert "at peak likely" in words
    assert "an assumption, that 40% of the peak's operations and 60% of its bandwidth" in words
    assert "all as long as they may be" in words
    assert "moved" in words
