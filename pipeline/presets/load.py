"""Read a preset from its TOML file: one table per section, one key per knob."""

import tomllib
from pathlib import Path
from typing import Any

from pipeline.config import SECTIONS, BadConfig, Preset, changed

PRESETS = Path(__file__).parent
# Names that people look for, and why there is no such preset.
NOT_THERE = {
    "t4": "a T4 has no bfloat16, and in float32 100 steps of GRPO with 128 completions of the 1B"
    " take about 15 hours (estimate), longer than a session on Kaggle; use its TPU (v5e-8, v6e-8),"
    ' or write a preset of your own for google/gemma-3-270m-it with model.chip = "t4"'
}


def preset_names() -> list[str]:
    """Names of the bundled presets."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def load_preset(name: str) -> Preset:
    """The bundled preset `name`, or the one in the TOML file at that path.

    A knob that the file does not set has its default; with `like = "NAME"` at the top of the file,
    the value of the bundled preset NAME.
    """
    path = PRESETS / f"{name}.toml" if name in preset_names() else Path(name)
    if name in NOT_THERE:
        raise BadConfig(f"there is no preset {name}: {NOT_THERE[name]}")
    if not (path.suffix == ".toml" and path.is_file()):
        raise BadConfig(
            f"there is no preset {name!r}; expected one of {', '.join(preset_names())}, or the path"
            " of a .toml file"
        )
    tables = _tables(path)
    base = _base(path, tables.pop("like", None))
    _check_tables(path, tables)
    data = tables.get("data", {})
    if data.get("subset") and "records_filter" not in data:  # it takes the filter's place
        base = base.with_knobs("data", records_filter="")
    sections = {
        name: changed(getattr(base, name), **_typed(path, name, section, tables.get(name, {})))
        for name, section in SECTIONS.items()
    }
    return Preset(name=path.stem, **sections)


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig(
            f"{path} is not a TOML file in UTF-8: {error}. Correct the file."
        ) from error


def _base(path: Path, like: Any) -> Preset:
    """The preset that the file changes: the defaults, or the bundled preset `like`."""
    if like is None:
        return Preset(name="", **{name: section() for name, section in SECTIONS.items()})
    if like not in preset_names():
        raise BadConfig(
            f"{path} has like = {like!r}; expected the name of a bundled preset:"
            f" {', '.join(preset_names())}"
        )
    return load_preset(like)


def _check_tables(path: Path, tables: dict[str, Any]) -> None:
    if unknown := sorted(set(tables) - set(SECTIONS)):
        raise BadConfig(
            f"{path} has tables {', '.join(unknown)}; a preset may have {', '.join(SECTIONS)}"
        )
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise BadConfig(f"{path} has {name} = {table!r}; expected a table [{name}] of knobs")


def _typed(path: Path, table: str, section: type, values: dict[str, Any]) -> dict[str, Any]:
    """`values` with lists as tuples, and whole numbers as floats if the knob is a float.

    Knobs that do not exist are left as they are: `changed` refuses them.
    """
    typed = {}
    for name, value in values.items():
        field = section.__dataclass_fields__.get(name)
        expected = type(field.default) if field else type(value)
        value = tuple(value) if isinstance(value, list) else value
        value = float(value) if expected is float and type(value) is int else value
        if type(value) is not expected:
            raise BadConfig(f"{path} [{table}] {name} must be {expected.__name__}, got {value!r}")
        typed[name] = value
    return typed
