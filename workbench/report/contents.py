"""All that a report shows, read from one snapshot of a store, and the files that it becomes."""

import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.store import Store, files
from evals.judge import PREFIX, quality_of
from workbench.formatting import judge_note
from workbench.report.commands import PRESET, base_model, commands
from workbench.report.page import SECTIONS, fragment, page
from workbench.report.provenance import environment, licences, lineage
from workbench.report.results import failures, results
from workbench.report.selection import selection
from workbench.report.sources import sources
from workbench.report.training import training

DATA = "results.json"  # of a folder: the numbers of the tables


def contents(
    store: Store, runs: tuple[str, ...] = (), grader: str | None = None, title: str = ""
) -> dict[str, Any]:
    """What the templates show. runs: evaluations; the newest model with the stages before it"""
    chosen = selection(store, runs, grader)
    return {
        "title": title or "Reasoning before and after training",
        "store_id": store.store_id,
        "at": datetime.now(UTC),
        "grader": chosen.grader,
        "judge_note": _judge_note(store, chosen.grader),
        "evaluations": chosen.evaluations,
        "model": base_model(chosen),
        "results": results(store, chosen),
        "failures": failures(store, chosen),
        "sources": sources(store, chosen),
        "trainings": [training(store, run) for run in chosen.trainings],
        "environment": environment(store, chosen),
        "lineage": lineage(chosen),
        "licences": licences(chosen),
        "commands": commands(store, chosen),
        "preset_name": PRESET,
    }


def _judge_note(store: Store, grader: str) -> str:
    """How good the judge is that graded; empty where a rule did."""
    return judge_note(quality_of(store, grader)) if grader.startswith(PREFIX) else ""


def write_report(
    out: Path, shown: dict[str, Any], names: tuple[str, ...] = tuple(SECTIONS), *, overwrite: bool
) -> list[Path]:
    """Write a file if `out` ends in .html, else a folder for a web server; the files' paths.

    A file with some sections only is a fragment for the output of a notebook's cell.
    """
    if out.exists() and not overwrite:
        raise UserError(f"{out} exists already: add --overwrite to replace it, or name another")
    whole = set(names) == set(SECTIONS)
    text = page(shown, names) if whole else fragment(shown, names)
    with files.explained(out):
        out.absolute().parent.mkdir(parents=True, exist_ok=True)
        if out.suffix in (".html", ".htm"):
            part = out.with_name(f".{out.name}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(out)
            return [out]
        return _write_folder(out, text, shown)


def _write_folder(out: Path, text: str, shown: dict[str, Any]) -> list[Path]:
    """index.html, the preset and the numbers; .nojekyll lets GitHub Pages serve all files."""
    if out.exists() and not (out / "index.html").is_file() and any(out.iterdir()):
        raise UserError(f"{out} holds other files than a report's; name a new folder")
    numbers = {name: shown["results"][name] for name in ("stages", "tests")}
    contents = {
        "index.html": text,
        DATA: json.dumps(numbers, indent=1),
        PRESET: shown["commands"]["preset"],
        ".nojekyll": "",
    }
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.absolute().parent) as beside:
        part = Path(beside) / "report"
        part.mkdir()
        for name, content in contents.items():
            (part / name).write_text(content, encoding="utf-8")
        if out.exists():
            shutil.rmtree(out)
        part.rename(out)
    return [out / name for name in contents]
