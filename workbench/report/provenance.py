"""Where the numbers of a report come from: code, packages, machine, licences, lineage."""

import os
import platform
from importlib.metadata import version
from typing import Any

from data.lineage import readable
from data.store import Store
from pipeline.fingerprint import last_code, recorded
from workbench.report.excerpts import shown
from workbench.report.selection import Selection

LONGEST_FACT = 300  # characters
SHOWN_ELSEWHERE = ("config", "inputs", "stage", "seed", "state")


def environment(store: Store, chosen: Selection) -> dict[str, Any]:
    """runs: code and packages of each run; here: the machine that wrote the report."""
    runs = []
    for run in [*chosen.trainings, *chosen.evaluations]:
        digest = last_code(run["inputs"]) if run["inputs"] else None
        code = recorded(store, digest) if digest else None
        packages = {name: value for name, value in (code or {}).items() if "/" not in name}
        runs.append(
            {
                "run": run["run"],
                "kind": run["kind"],
                "code": run["code"],
                "files": digest,
                "packages": packages,
                "seed": run["seed"],
                "devices": (run["summary"] or {}).get("devices") or [],
                "started": run["started_at"],
                "ended": run["ended_at"],
            }
        )
    return {
        "runs": runs,
        "packages": sorted({item for run in runs for item in run["packages"].items()}),
        "here": {
            "thinkbench": version("thinkbench"),
            "Python": platform.python_version(),
            "system": platform.platform(terse=True),
            "processors": os.cpu_count(),
        },
    }


def lineage(chosen: Selection) -> list[dict[str, Any]]:
    """Each step back with its facts as texts, but for knobs, which have their own table."""
    return [
        {
            "kind": step.kind,
            "title": step.title,
            "facts": {
                name: shown(_fact(name, value), LONGEST_FACT)
                for name, value in step.facts.items()
                if name not in SHOWN_ELSEWHERE and value is not None
            },
        }
        for step in chosen.lineage
    ]


def _fact(name: str, value: Any) -> str:
    if name == "checkpoint" and isinstance(value, dict):
        measured = value.get("metric")
        accuracy = "" if measured is None else f", held-out accuracy {measured:.1%}"
        return f"step {value.get('step')}{accuracy}"
    return readable(value)[:12] if name == "code" else readable(value)


def licences(chosen: Selection) -> list[dict[str, str]]:
    """name, licence, origin: of the model at the start, of each source, and of this program."""
    starts = [run["summary"].get("start") for run in chosen.trainings if run["summary"]]
    models = [
        {
            "name": shown(start["name"], LONGEST_FACT),
            "licence": readable(start["licence"]),
            "origin": "the model that training started from",
        }
        for start in starts
        if start
    ]
    rows = [
        {
            "name": step.title,
            "licence": readable(step.facts.get("licence")),
            "origin": shown(readable(step.facts.get("origin")), LONGEST_FACT),
        }
        for step in chosen.lineage
        if step.kind == "source"
    ]
    return [
        *models,
        *rows,
        {"name": "thinkbench", "licence": "Apache-2.0", "origin": "this program"},
    ]
