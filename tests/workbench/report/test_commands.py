"""The preset of a report has every knob of its runs."""

from pathlib import Path

import pytest

from pipeline.config import Preset, as_json
from pipeline.presets import load_preset
from workbench.report.commands import base_model, toml
from workbench.report.selection import Selection


def test_values_of_every_kind_are_read_back_from_toml():
    import tomllib

    values = {"a": 1, "b": 2.0, "c": True, "d": 'say "it"\n\u202e', "e": ["x", "y"], "f": 1e-05}
    text = "\n".join(f"{name} = {toml(value)}" for name, value in values.items())
    assert tomllib.loads(text) == values


@pytest.mark.parametrize("name", ["tiny", "v6e-8"])
def test_the_preset_that_reproduces_a_run_is_the_preset_that_it_had(tmp_path, name):
    preset = load_preset(name)
    assert reproduced(preset, tmp_path) == preset_values(preset)


def preset_values(preset: Preset) -> dict[str, dict]:
    values = {section: as_json(getattr(preset, section)) for section in ("model", "sft", "grpo")}
    values["model"] |= {"model": "tiny", "chip": load_preset("tiny").model.chip}
    return values


def reproduced(preset: Preset, folder: Path) -> dict[str, dict]:
    """The sections that a preset file has which is made of runs with this preset."""
    from workbench.report import commands
    from workbench.report.selection import Selection

    model = {k: v for k, v in as_json(preset.model).items() if k not in ("model", "chip")}
    inputs = {"model": commands._hash_of_bundled()}
    runs = [
        {"run": kind, "kind": kind, "config": as_json(getattr(preset, kind)) | model,
         "inputs": inputs, "summary": {"learned_from": {"source": "s"}}, "parent": None}
        for kind in ("sft", "grpo")
    ]  # fmt: skip
    evaluation = {"run": "e", "kind": "eval", "config": as_json(preset.eval) | model,
                  "inputs": inputs, "summary": {}, "parent": None}  # fmt: skip
    chosen = Selection("strict", [evaluation], runs, [], {})
    (folder / "reproduce.toml").write_text(commands.preset_text(chosen, evaluation))
    return preset_values(load_preset(str(folder / "reproduce.toml")))


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("google/gemma-3-1b-it", "google/gemma-3-1b-it"),
        ("kaggle:google/gemma-3/transformers/gemma-3-1b-it", None),
        ("/home/somebody/models/mine", "mine"),
        ("", "weights with the hash abcd"),
    ],
)
def test_the_base_model_has_the_name_that_it_was_given(name, shown):
    run = {"run": "e", "kind": "eval", "config": {}, "inputs": {"model": "abcd"},
           "summary": {"model_name": name}, "parent": None}  # fmt: skip
    assert base_model(Selection("strict", [run], [], [], {})) == (shown or name)
