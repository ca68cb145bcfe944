"""Needs of a step by this machine's compiler, and its errors for too little memory."""

import json

import pytest

from pipeline.preflight import steps
from pipeline.preflight.chips import GIB, chip_of
from pipeline.preflight.compiled import bytes_needed, compile_step, has_compiler
from pipeline.preflight.sizes import config_of, sizes_in
from pipeline.presets.load import load_preset


def test_the_compiler_of_this_machine_reports_what_a_step_needs(few, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    preset = load_preset("tiny").with_knobs("model", model=str(few))
    step = steps.Step(name="reference", kind="scores", rows=2, prompt=16, completion=8)
    chip = chip_of("cpu")
    assert has_compiler(chip)
    program = compile_step(step, preset, chip)
    assert program.parts["weights"] == 4 * sizes_in(config_of(str(few))).parameters
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
