"""The folders that are published: a data set, a model, or evaluations, each with its card."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl

from data.audit import queries
from data.errors import UserError
from data.lineage import Step, of_subset, readable
from data.store import HELD_OUT, Store, ask, files, state
from data.subsets import subset
from evals.curation import choose
from workbench.hub import cards
from workbench.lookup import adapter_folder
from workbench.report import contents

PAGE = 2_000  # rows that are read at once
METADATA = {"dataset": "dataset-metadata.json", "model": "model-metadata.json"}  # of Kaggle


def dataset_folder(store: Store, label: str, folder: Path) -> dict[str, Any]:
    """A version of a subset as Parquet, its recipe, and a card of recipe, audit and licence."""
    version = subset(store, label)
    pages, reasons = [], {}
    for start in range(0, len(version.ids), PAGE):
        ids = sorted(version.ids)[start : start + PAGE]
        absent = choose.left_out(store, version, ids)
        for reason in absent.values():
            reasons[reason] = reasons.get(reason, 0) + 1
        present = [one for one in ids if one not in absent]
        pages.append(choose.page(store, version.recipe, present, 1, PAGE))
    rows = pl.concat(pages)
    lineage = of_subset(store, version.label)
    sources = [step for step in lineage if step.kind == "source"]
    (folder / "data").mkdir(parents=True)
    with (folder / "data" / "train-00000-of-00001.parquet").open("wb") as file:
        rows.write_parquet(file)
    (folder / "recipe.json").write_text(version.filter_text + "\n", encoding="utf-8")
    licences = [readable(step.facts.get("licence")) for step in sources]
    front = {
        "license": cards.licence_of(licences),
        "task_categories": ["text-generation"],
        "tags": ["reasoning", "thinkbench"],
        "configs": [{"config_name": "default", "data_files": "data/*.parquet"}],
    }
    left_out = "; ".join(f"{n:,} {cards.plain(reason)}" for reason, n in reasons.items())
    text = f"""# {cards.plain(version.label)}

{rows.height:,} {version.of}, chosen with thinkbench. Hash of its ids:
`{version.content_hash}`. Left out since it was saved: {left_out or "nothing"}.

## How it was chosen

The recipe is in `recipe.json`: `{cards.plain(version.filter_text)}`

## Where its rows come from

{cards.licences_table(_licence_rows(sources))}

## Audit

{_audit(store, lineage)}
"""
    (folder / "README.md").write_text(cards.front_matter(front) + text, encoding="utf-8")
    return {"kind": "dataset", "name": version.label, "rows": rows.height}


def _licence_rows(sources: list[Step]) -> list[dict[str, str]]:
    return [
        {
            "name": step.title,
            "licence": readable(step.facts.get("licence")),
            "origin": readable(step.facts.get("origin")),
        }
        for step in sources
    ]


def _audit(store: Store, lineage: list[Step]) -> str:
    """Rows by outcome of each conversion that the version reads."""
    rows = []
    for step in lineage:
        if step.kind != "conversion":
            continue
        converter = str(step.facts["version and rules"])
        counts = queries.outcomes(store, step.title, converter)
        shown = ("read", "converted", "quarantined", "to_train_on")
        rows.append([step.title, converter, *(f"{counts[name]:,}" for name in shown)])
    names = ["source", "converter", "read", "converted", "quarantined", "to train on"]
    return cards.table(names, rows) if rows else "No conversion is in the store."


def model_folder(store: Store, name: str, folder: Path) -> dict[str, Any]:
    """An exported model with a card of its results and lineage, and the report.

    name: of the training run whose export in the store is published
    """
    return _model_folder(store, name, folder, adapter=False)


def adapter_of_model_folder(store: Store, name: str, folder: Path) -> dict[str, Any]:
    """Likewise, of the adapter that was exported for PEFT."""
    return _model_folder(store, name, folder, adapter=True)


def _model_folder(store: Store, name: str, folder: Path, adapter: bool) -> dict[str, Any]:
    exports = store.folder / "exports"
    source = adapter_folder(store, name) if adapter else exports / name
    needed = "adapter_config.json" if adapter else "config.json"
    if state(store, name) is None or not (source / needed).is_file():
        folders = sorted(path.name for path in exports.glob("[!.]*"))
        raise UserError(
            f"the store has no {'adapter' if adapter else 'export'} of {name!r}; expected one of"
            f" {', '.join(folders) or '(none)'}."
            f" Make it: thinkbench export --model {name}{' --as adapter' if adapter else ''}"
        )
    shutil.copytree(source, folder)
    evaluations = ask(
        store,
        "select run from runs where kind = $kind and event = 'done' and parent = $run"
        " order by ended_at desc limit 1",
        kind=HELD_OUT,
        run=name,
    )["run"].to_list()
    front: dict[str, Any] = {
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "license": "other",  # the base model's terms decide, which the store does not know
        "tags": ["reasoning", "thinkbench", *(["lora"] if adapter else [])],
    }
    text = f"# {cards.plain(name)}\n\nTrained with thinkbench. "
    text += "The licence is that of the base model, and of the data below.\n"
    if adapter:
        base = json.loads((folder / needed).read_text(encoding="utf-8"))["base_model_name_or_path"]
        front["base_model"] = base
        text += _how_to_load(base)
    if evaluations:
        text += _of_results(store, tuple(evaluations), folder)
    (folder / "README.md").write_text(cards.front_matter(front) + text, encoding="utf-8")
    return {"kind": "model", "name": name, "rows": None}


def _how_to_load(base: str | None) -> str:
    """base: the hub's name of the base model, if it has one"""
    return f"""
These are LoRA matrices for {cards.plain(base or "the model that they were trained from")}:

    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained({json.dumps(base or "BASE")})
    model = PeftModel.from_pretrained(base, "THIS REPOSITORY")
"""


def _of_results(store: Store, evaluations: tuple[str, ...], folder: Path) -> str:
    """The results before and after, and how to repeat them; writes report.html beside them."""
    from workbench.lookup import default_runs

    line = default_runs(store)
    runs = tuple(line) if evaluations[0] in line else evaluations
    shown = contents.contents(store, runs)
    contents.write_report(folder / "report.html", shown, overwrite=False)
    preset = shown["commands"]["preset"]
    (folder / shown["preset_name"]).write_text(preset, encoding="utf-8")
    commands = "\n".join(f"    {line}" for line in shown["commands"]["lines"])
    return f"""
Base model: {cards.plain(shown["model"])}

## Results

{cards.results_tables(shown["results"], shown["grader"])}

`report.html` has intervals, failures, curves and lineage.

## Data

{cards.licences_table(shown["licences"])}

## Repeat it

{commands}
"""


def evaluation_folder(store: Store, name: str, folder: Path) -> dict[str, Any]:
    """The answers of an evaluation with their verdicts, its metrics, and the report."""
    rows = ask(
        store,
        """
        select
            g.problem_id, g.question, g.gold, g.stage, g.sample, g.text, g.tokens, g.finish,
            s.grader, s.correct, s.format, s.partial
        from answered_generations g
        left join current_scores s using (generation_id)
        where g.run = $run
        order by g.stage, g.problem_id, g.sample, s.grader
        """,
        run=name,
    )
    shown = contents.contents(store, (name,))
    (folder / "data").mkdir(parents=True)
    with (folder / "data" / "train-00000-of-00001.parquet").open("wb") as file:
        rows.write_parquet(file)
    contents.write_report(folder / "report.html", shown, overwrite=False)
    results = {"run": name, "grader": shown["grader"], "stages": shown["results"]["stages"]}
    (folder / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
    front = {
        "license": "other",
        "tags": ["evaluation", "thinkbench"],
        "configs": [{"config_name": "default", "data_files": "data/*.parquet"}],
    }
    tables = cards.results_tables(shown["results"], shown["grader"])
    text = f"# {cards.plain(name)}\n\n{tables}\n\nA row is a verdict of a grader on an answer.\n"
    (folder / "README.md").write_text(cards.front_matter(front) + text, encoding="utf-8")
    return {"kind": "dataset", "name": name, "rows": rows.height}


def add_kaggle_metadata(folder: Path, kind: str, repository: str) -> None:
    """The file that `kaggle datasets create -p` or `kaggle models create -p` reads."""
    owner, _, slug = repository.partition("/")
    values: dict[str, Any] = {"title": slug.replace("-", " ")}
    if kind == "dataset":
        values |= {"id": repository, "licenses": [{"name": "other"}]}
    else:
        values |= {"ownerSlug": owner, "slug": slug, "isPrivate": True, "description": ""}
    with files.explained(folder):
        (folder / METADATA[kind]).write_text(json.dumps(values, indent=1), encoding="utf-8")
