"""From a generation back to its problem, the run that wrote it, and what that was trained on."""

from datetime import datetime
from typing import Any

from data.audit import queries
from data.errors import UserError
from data.lineage.sources import of_source
from data.lineage.step import DEEPEST, UNKNOWN, Step, moment
from data.lineage.subsets import of_subset
from data.store import ANSWERS, IMPORT, PLAYGROUND, TRAINING, Store, ask, is_evaluation, runs
from data.subsets import UNKNOWN_CONVERTER

CONVERTER_OF = "converter of "  # an input of a run that is followed by a source's name
AS_STARTED = "not stored with the run: the newest when it began"


class NoSuchGeneration(UserError):
    """No generation has this id."""


def back(store: Store, generation: str) -> list[Step]:
    """A generation, the problem it answers, the run that wrote it, and so on to the source rows."""
    row = _generation(store, generation)
    shown = ("stage", "sample", "tokens", "finish", "seed", "settings")
    steps = [Step("generation", generation, {name: row[name] for name in shown})]
    steps.append(of_problem(store, row["problem_id"], row["run"]))
    return steps + of_run(store, row["run"])


def of_problem(store: Store, problem: str, run: str) -> Step:
    """A problem and the record that it was converted from.

    run: whose own question and reference answer are shown where it has some; where another record
        or import has another question under that id, it is not named as where the problem is from
    """
    rows = ask(
        store,
        """
        select p.question, p.gold, p.source, p.split, p.record_id, r.origin, r.row_number as row
        from problem_texts p left join source_records r using (record_id)
        where problem_id = $problem
        """,
        problem=problem,
    )
    if rows.is_empty():
        return Step("problem", problem, {"question": UNKNOWN})
    stored = rows.row(0, named=True)
    own = ask(
        store,
        "select question, gold from imported_problems where run = $run and problem_id = $problem",
        run=run,
        problem=problem,
    )
    if own.is_empty():
        return Step("problem", problem, stored)
    brought = own.row(0, named=True)
    if brought["question"].split() != (stored["question"] or "").split():
        return Step("problem", problem, brought | {"source": run})
    return Step("problem", problem, stored | brought)


def of_run(store: Store, name: str) -> list[Step]:
    """A run, its parents, and what they were trained on."""
    steps, seen = [], set()
    while name and name not in seen and len(seen) < DEEPEST:
        seen.add(name)
        run = runs.state(store, name)
        if run is None:
            return [*steps, Step("run", name, {"state": UNKNOWN})]
        steps.append(_run(store, run))
        steps += _trained_on(store, run)
        name = run["parent"] or ""
    return steps


def _generation(store: Store, generation_id: str) -> dict[str, Any]:
    columns = "run, stage, problem_id, sample, tokens, finish, seed, settings"
    rows = ask(
        store,
        f"select {columns} from generations where generation_id = $id limit 1",
        id=generation_id,
    )
    if rows.is_empty():
        raise NoSuchGeneration(
            f"there is no generation {generation_id!r}; expected an id as `thinkbench"
            " failures --json` and the page Failures show them."
        )
    return rows.row(0, named=True)


def _run(store: Store, run: dict[str, Any]) -> Step:
    name, kind = run["run"], run["kind"]
    facts: dict[str, Any] = {
        "kind": kind,
        "stage": run["stage"],
        "state": run["event"],
        "ended": moment(run["at"]),
        "code": run["code"],
        "seed": run["seed"],
        "inputs": run["inputs"],
        "config": run["config"],
    }
    best = ask(
        store,
        """
        select step, path, metric, metric_n from checkpoints
        where run = $run order by best desc, step desc limit 1
        """,
        run=name,
    )
    if not best.is_empty():
        facts["checkpoint"] = best.row(0, named=True)
    if kind == IMPORT:
        facts["model"] = f"{UNKNOWN} here: it was imported, and its file does not name the model"
    elif kind == PLAYGROUND and not run["parent"]:
        facts["model"] = run["config"]["model"]
    elif is_evaluation(kind) and not run["parent"]:
        facts["model"] = "from outside, known by the hash among the inputs"
    label = "evaluation" if kind in ANSWERS else "training"
    return Step(label, name, {key: value for key, value in facts.items() if value is not None})


def converters_read(inputs: dict[str, Any]) -> dict[str, str]:
    """Source -> the converter whose rows a run trained on, of its inputs."""
    return {
        name.removeprefix(CONVERTER_OF): str(converter)
        for name, converter in inputs.items()
        if name.startswith(CONVERTER_OF)
    }


def _trained_on(store: Store, run: dict[str, Any]) -> list[Step]:
    """What a training run read: its subset, or its source by the converter of that time."""
    if run["kind"] not in TRAINING:
        return []
    if run["kind"] == "dpo":
        return [_pairs(store, run), *_source_rows(store, run)]
    return _source_rows(store, run)


def _pairs(store: Store, run: dict[str, Any]) -> Step:
    """The preference pairs of a run, and the runs that wrote their answers."""
    counts = ask(
        store,
        """
        select count(*) as pairs, count(distinct problem_id) as problems
        from preference_pairs where run = $run
        """,
        run=run["run"],
    ).row(0, named=True)
    inputs = run["inputs"] or {}
    return Step(
        "pairs",
        f"{counts['pairs']:,} preference pairs",
        {
            "problems": counts["problems"],
            "answers of": str(inputs.get("answers of", UNKNOWN)),
            "hash": str(inputs.get("pairs", UNKNOWN)),
        },
    )


def _source_rows(store: Store, run: dict[str, Any]) -> list[Step]:
    inputs = run["inputs"] or {}
    if label := str(inputs.get("subset", "")).rpartition(" ")[0]:
        return of_subset(store, label)
    began = _began(store, run["run"])
    stored = converters_read(inputs)
    of = (run["summary"] or {}).get("learned_from") or {}
    if not stored and not of:
        return [Step("source", UNKNOWN, {"why": "the run does not say which source it read"})]
    if not stored and of.get("converter"):
        stored = {of["source"]: of["converter"]}
    if stored:
        converters = {source: (converter, "") for source, converter in stored.items()}
    else:
        converters = {of["source"]: _converter_at(store, of["source"], began)}
    return [
        step
        for source, (converter, note) in converters.items()
        for step in of_source(store, source, converter, note, began)
    ]


def _began(store: Store, run: str) -> datetime | None:
    """When a run was first started: what it reads was fixed then, also where it resumed."""
    query = 'select min("at") as "at" from run_events where run = $run and event = \'started\''
    return ask(store, query, run=run)["at"].item()


def _converter_at(store: Store, source: str, at: datetime | None) -> tuple[str | None, str]:
    """The converter that was the newest of a source when a run that does not name it began."""
    converter = queries.converters_at(store, at).get(source) if at else None
    return (converter, AS_STARTED) if converter else (None, UNKNOWN_CONVERTER)
