"""The exact commands of a report: a preset with every knob of its runs, and what to run."""

import json
import math
from dataclasses import fields
from typing import Any

from data.sources import readings
from data.store import Store
from pipeline.config import GRADERS, SECTIONS
from workbench.report.selection import Selection

PRESET = "reproduce.toml"


def commands(store: Store, chosen: Selection) -> dict[str, Any]:
    """preset: the text of reproduce.toml, "" where nothing was trained or evaluated here
    lines: the commands in order
    """
    kinds = {run["kind"]: run for run in chosen.trainings}
    evaluated = [run for run in chosen.evaluations if run["kind"] != "import"]
    lines = [reading.command for source in chosen.sources for reading in readings(store, source)]
    if not evaluated:
        files = [run["run"] for run in chosen.evaluations]
        return {
            "preset": "",
            "lines": [*lines, *(f"thinkbench import FILE --name {n}" for n in files)],
        }
    base = next((run for run in evaluated if not run["parent"]), None)
    if base and {"sft", "grpo"} <= kinds.keys():
        lines.append(f"thinkbench run --preset {PRESET}")
    else:
        lines += [f"thinkbench {kind} --preset {PRESET}" for kind in kinds]
        lines += [f"thinkbench eval --preset {PRESET}" for _ in evaluated[:1]]
    return {"preset": preset_text(chosen, evaluated[-1]), "lines": lines}


def preset_text(chosen: Selection, evaluation: dict[str, Any]) -> str:
    """A preset whose runs have the configuration of these runs."""
    sections: dict[str, dict[str, Any]] = {name: {} for name in SECTIONS}
    sections["model"] |= {"model": base_model(chosen)} | _knobs("model", evaluation["config"])
    for run in chosen.trainings:
        sections[run["kind"]] |= _knobs(run["kind"], run["config"])
        sections["data"] |= _data(run)
    if any(run["kind"] == "dpo" for run in chosen.trainings):
        sections["dpo"]["in_run"] = True
    sections["eval"] |= _knobs("eval", evaluation["config"])
    if chosen.grader in GRADERS:  # others grade what is stored: thinkbench grade
        sections["eval"]["grader"] = chosen.grader
    return "\n\n".join(
        "\n".join([f"[{name}]", *(f"{knob} = {toml(value)}" for knob, value in knobs.items())])
        for name, knobs in sections.items()
        if knobs
    )


def _knobs(section: str, config: dict[str, Any] | None) -> dict[str, Any]:
    names = {field.name: field.default for field in fields(SECTIONS[section])}
    return {
        name: float(value) if isinstance(names[name], float) else value
        for name, value in (config or {}).items()
        if name in names and value is not None
    }


def _data(run: dict[str, Any]) -> dict[str, Any]:
    """The knobs of the data that a training run read."""
    summary, inputs = run["summary"] or {}, run["inputs"] or {}
    source = (summary.get("learned_from") or {}).get("source")
    if run["kind"] in ("dpo", "grpo"):
        values = {"problems": source, "heldout": run["config"].get("heldout")}
        values["problem_subset"] = str(inputs.get("subset", "")).rpartition(" ")[0]
    else:
        values = {"records": source, "records_filter": inputs.get("records_filter", "")}
        values["subset"] = str(inputs.get("subset", "")).rpartition(" ")[0]
        converter = str((summary.get("learned_from") or {}).get("converter") or "")
        values["rules"] = converter.split("+")[1:] or None
    return {name: value for name, value in values.items() if value not in (None, "")}


def base_model(chosen: Selection) -> str:
    """The name of the first weights: tiny, what an evaluation was told, or else their hash.

    Of a folder its own name, not where it lies.
    """
    first = (chosen.trainings or chosen.evaluations)[0]
    digest = str((first["inputs"] or {}).get("model", ""))
    if not digest:
        return "not named by the import"
    if digest == _hash_of_bundled():
        return "tiny"
    for run in chosen.evaluations:  # of the same weights, under the name that was given
        name = (run["summary"] or {}).get("model_name")
        if name and (run["inputs"] or {}).get("model") == digest:
            return name if name.count("/") < 2 or ":" in name else name.rpartition("/")[2]
    return f"weights with the hash {digest[:16]}"


def _hash_of_bundled() -> str:
    from pipeline.job import inputs
    from pipeline.model import model_folder

    return inputs.hash_of_folder(model_folder("tiny"))


def toml(value: Any) -> str:
    """A value of a knob as TOML."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
