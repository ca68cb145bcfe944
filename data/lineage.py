"""Lineage: where a generation came from, step by step, back to the files and hubs of its rows.

What the store does not know is shown as unknown, not left out.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from data.audit import queries
from data.errors import UserError
from data.store import ANSWERS, IMPORT, TRAINING, Store, ask, is_evaluation, runs
from data.subsets import UNKNOWN_CONVERTER, NoSuchSubset, Subset, converters_of, subset

UNKNOWN = "unknown"
DEEPEST = 20  # runs, and versions of subsets, that a chain is followed through
CONVERTER_OF = "converter of "  # an input of a run that is followed by a source's name
AS_STARTED = "not stored with the run: the newest when it began"

# run, at: runs that had begun by $at (all of them where it is null), and when they last began or
# ended by then. A run whose events are lost is one of them, with a null.
_RUNS_BY_THEN = """
    select run, max(e."at") as "at"
    from (select distinct run from records union select distinct run from conversions)
    left join (select run, "at" from run_events where $at is null or "at" <= $at) e using (run)
    where e."at" is not null or run not in (select run from run_events)
    group by run
"""


class NoSuchGeneration(UserError):
    """No generation has this id."""


@dataclass(frozen=True)
class Step:
    """One step back. kind: generation, problem, evaluation, training, subset, conversion, source

    title: a name or an id   facts: in the order in which they are shown
    """

    kind: str
    title: str
    facts: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def back(store: Store, generation: str) -> list[Step]:
    """A generation, the problem it answers, the run that wrote it, and so on to the source rows."""
    row = _generation(store, generation)
    shown = ("stage", "sample", "tokens", "finish", "seed", "settings")
    steps = [Step("generation", generation, {name: row[name] for name in shown})]
    steps += of_problem(store, row["problem_id"])
    return steps + of_run(store, row["run"])


def of_problem(store: Store, problem: str) -> list[Step]:
    """A problem and the record that it was converted from."""
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
        return [Step("problem", problem, {"question": UNKNOWN})]
    return [Step("problem", problem, rows.row(0, named=True))]


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
        "ended": _moment(run["at"]),
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


def of_subset(store: Store, label: str) -> list[Step]:
    """A version of a subset, its parents, and the sources of its rows as they were then."""
    steps: list[Step] = []
    sources: list[Step] = []
    while label and len(steps) < DEEPEST:
        try:
            one = subset(store, label)
        except NoSuchSubset:
            return [*steps, Step("subset", label, {"state": f"{UNKNOWN}: no longer in the store"})]
        of = one.to_json()
        steps.append(Step("subset", one.label, {k: of[k] for k in ("n", "filter", "author", "at")}))
        sources = sources or _sources(store, one)
        label = one.parent or ""
    return steps + sources


def _sources(store: Store, version: Subset) -> list[Step]:
    table, column = (
        ("problems", "problem_id") if version.of == "problems" else ("records", "record_id")
    )
    sources = ask(
        store,
        f"select distinct source from {table} where {column} in (select unnest($ids))"
        " order by source",
        ids=list(version.ids),
    )["source"]
    converters = converters_of(store, version)
    return [
        step
        for source in sources
        for step in of_source(store, source, *converters.get(source, (None, "")), at=version.at)
    ]


def of_source(
    store: Store,
    source: str,
    converter: str | None = None,
    note: str = "",
    at: datetime | None = None,
) -> list[Step]:
    """How a source was converted and ingested.

    converter: None for the newest
    note: how the converter is known, where the run or the version does not name it
    at: what began later is left out; None for all there is
    """
    if note == UNKNOWN_CONVERTER:  # there was none by then
        at = None
    return [*_conversion(store, source, converter, note, at), _source(store, source, at)]


def _conversion(
    store: Store, source: str, converter: str | None, note: str, at: datetime | None
) -> list[Step]:
    """The conversion of a source by a converter; none where the store has none."""
    rows = ask(
        store,
        f"""
        with of_converter as (
            select converter from newest_converters
            where source = $source and $converter is null
            union all select $converter where $converter is not null
        ), converting as ({_RUNS_BY_THEN}), counts as (
            select
                converter, count(*) as records,
                count(*) filter (outcome = 'example') as converted,
                count(*) filter (outcome = 'quarantined') as quarantined
            from record_conversions
            where source = $source and converter in (from of_converter)
                and run in (select run from converting)
            group by converter
        ), last as (
            select converter, run, "at" from conversion_runs join converting using (run)
            where source = $source
            qualify row_number() over (
                partition by converter order by "at" desc nulls last, run
            ) = 1
        )
        from counts join last using (converter)
        """,
        source=source,
        converter=converter,
        at=at,
    )
    if rows.is_empty():
        return []
    row = rows.row(0, named=True)
    rules = row["converter"].split("+")[1:]
    facts = {"version and rules": row["converter"], "repairs": rules or "none"}
    facts |= {"converter": note} if note else {}
    facts |= {name: row[name] for name in ("records", "converted", "quarantined", "run")}
    facts["at"] = row["at"] and _moment(row["at"])
    return [Step("conversion", source, facts)]


def _source(store: Store, source: str, at: datetime | None) -> Step:
    """The files or hubs that a source was read from, by its ingestions in the order of time."""
    ingestions = ask(
        store,
        f"""
        with ingesting as ({_RUNS_BY_THEN})
        select run, config, "at", count(*) as records, list(distinct origin) as origins
        from source_records join ingesting using (run)
        left join (select run, config from runs) using (run)
        where source = $source
        group by all order by "at" nulls first, run
        """,
        source=source,
        at=at,
    )
    configs = [json.loads(config) for config in ingestions["config"].drop_nulls()]
    last = ingestions["at"].drop_nulls()
    origins = sorted({origin or UNKNOWN for row in ingestions["origins"] for origin in row})
    facts = {
        "origin": origins[:DEEPEST] or [UNKNOWN],
        "revision": _one_or_all(config.get("revision") for config in configs),
        "licence": _one_or_all(config.get("licence") for config in configs),
        "records": ingestions["records"].sum(),
        "runs": ingestions["run"].to_list(),
        "at": _moment(last[-1]) if len(last) else None,
    }
    return Step("source", source, facts)


def _one_or_all(values: Iterable[str | None]) -> str | list[str]:
    """The value that all have, or every different one in order; unknown where there is none."""
    different = list(dict.fromkeys(value or UNKNOWN for value in values)) or [UNKNOWN]
    return different[0] if len(different) == 1 else different


def of_record(store: Store, record: dict[str, Any]) -> list[Step]:
    """A record, its conversions, and the subsets that hold it.

    record: of data.audit.quarantine.find
    """
    record_id = record["record_id"]
    shown = ("source", "split", "origin", "row_number")
    steps = [Step("record", record_id, {name: record[name] for name in shown})]
    conversions = ask(
        store,
        """
        select converter, outcome, reason, list_distinct([d.phrase for d in defects]) as defects
        from record_conversions where record_id = $id order by converter
        """,
        id=record_id,
    )
    steps += [
        Step("conversion", row.pop("converter"), row) for row in conversions.iter_rows(named=True)
    ]
    subsets = ask(
        store,
        """
        select name || '@' || version as label, n from subsets
        where list_contains(ids, $id) order by "at"
        """,
        id=record_id,
    )
    steps += [Step("subset", label, {"n": n}) for label, n in subsets.iter_rows()]
    return [*steps, *of_source(store, record["source"])[-1:]]


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def readable(value: Any) -> str:
    """A fact as one text."""
    if value is None:
        return UNKNOWN
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)
