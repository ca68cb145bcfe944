"""Verification: recompute every stored score from its text, and every metric from the scores."""

from collections import Counter
from math import isclose
from typing import Any

import polars as pl

from data.store import LOST_PARTS, Store, ask, parts, runs_that_lost_rows
from evals.comparison import METRICS, interval
from evals.failures import (
    READER,
    SUSPECT_GOLD,
    VERSION,
    categorise_generations,
    golds_of,
    suspects_of,
    undecided_problems,
)
from evals.failures.suspect_golds import suspect_golds
from evals.graders import GRADERS
from evals.scores import (
    GENERATIONS_PER_BATCH,
    NO_GOLD,
    apply_overrides,
    grade_generations,
    overrides_of,
    scores_of,
    unknown_run,
)
from evals.statistics import Interval

VERDICTS = ("format", "extracted", "correct", "partial", "reason")
LISTED = 20  # differences that are listed for each run
COUNTS = (
    "generations", "scores", "compared", "differ", "twice", "without_text", "not_graded", "old",
    "outdated", "ambiguous", "lost",
)  # fmt: skip


def verify(store: Store, run: str | None = None) -> dict[str, Any]:
    """The object of `thinkbench verify`: what was recomputed, and what differs.

    verified: every run has scores that were compared, and nothing differs or is left to grade;
        else False, and `reasons` says why
    compared: stored scores that were recomputed, each copy where a score is stored twice
    old: scores of a grader version that this code does not have; they are counted, not compared
    outdated: those of a grader that has not graded the same generation again since
    lost: parts with texts or scores that `thinkbench store repair` found lost
    ambiguous: answered problems that the store has with several questions or reference answers,
        none of them from this run
    metrics: each shown metric beside its recomputed value; both include the overrides by people
    """
    runs = ask(
        store,
        "select distinct run from generations where $run is null or run = $run order by run",
        run=run,
    )["run"].to_list()
    lost = _lost_scores(store)
    runs = sorted({*runs, *(name for name in lost if run in (None, name))})
    if run is not None and not runs:
        raise unknown_run(
            store, run, f"the store has no generations of run {run!r}. Name an evaluation."
        )
    rows = [_of_run(store, name, lost.get(name, 0)) for name in runs]
    return {
        "verified": bool(rows) and all(row["verified"] for row in rows),
        **{kind: sum(row[kind] for row in rows) for kind in COUNTS},
        "reasons": [f"{row['run']}: {reason}" for row in rows for reason in row["reasons"]]
        or ([] if rows else ["the store has no generations, so nothing was compared"]),
        "runs": rows,
    }


def _lost_scores(store: Store) -> dict[str, int]:
    """Run -> parts with its texts or scores that are lost."""
    folders = f"{parts.FOLDERS['generations']}/", f"{parts.FOLDERS['scores']}/"
    lost = {
        run: sum(path.startswith(folders) for path in summary[LOST_PARTS])
        for run, summary in runs_that_lost_rows(store).items()
    }
    return {run: n for run, n in lost.items() if n}


def _of_run(store: Store, run: str, lost: int) -> dict[str, Any]:
    counts = _counts(store, run) | {"lost": lost}
    differ: list[dict[str, Any]] = []
    total: Counter[str] = Counter()
    compared = 0
    recomputed: list[pl.DataFrame] = []
    after = ("", "", -1)
    while not (part := _next_generations(store, run, after)).is_empty():
        differences, verdicts = _scores_that_differ(store, run, part)
        compared += sum(frame.height for frame in verdicts)
        recomputed += [frame.unique("generation_id") for frame in verdicts]
        differences += _failures_that_differ(store, run, part)
        total.update(row["what"] for row in differences)
        differ += differences[: LISTED - len(differ)]
        after = part.select("stage", "problem_id", "sample").row(-1)
    metrics = _metrics(store, run, pl.concat(recomputed)) if recomputed else []
    suspects = _suspects_that_differ(store, run, recomputed)
    total.update(row["what"] for row in suspects)
    differ += suspects[: LISTED - len(differ)]
    total["metrics"] += sum(not row["same"] for row in metrics)
    counts |= {"compared": compared, "differ": total.total()}
    reasons = _reasons(run, counts)
    return {
        "run": run,
        "verified": not reasons,
        "reasons": reasons,
        **{kind: counts[kind] for kind in COUNTS},
        "by_what": {what: times for what, times in total.most_common() if times},
        "differences": differ,
        "metrics": metrics,
    }


def _reasons(run: str, counts: dict[str, int]) -> list[str]:
    """Why a run is not verified; empty where it is."""
    again = f"thinkbench grade --run {run}"
    because = {
        "differ": "differ from what was recomputed",
        "without_text": "scores have no text to grade",
        "not_graded": f"generations have no score: {again}",
        "ambiguous": "problems have several questions or reference answers in the store, so it is"
        " not certain which their verdicts are of: import them again under other ids",
        "lost": "parts of its texts and scores were lost: put them back and give `thinkbench store"
        " repair`, or make the run again",
        "outdated": f"scores are of a grader version that this code does not have: {again}",
    }
    reasons = [f"{counts[kind]} {text}" for kind, text in because.items() if counts[kind]]
    return reasons if counts["compared"] else ["no score was compared", *reasons]


def _metrics(store: Store, run: str, recomputed: pl.DataFrame) -> list[dict[str, Any]]:
    """Each metric by stage and grader: as it is shown, and from the recomputed verdicts."""
    rows = []
    for (name,), verdicts in recomputed.group_by("grader", maintain_order=True):
        shown = scores_of(store, run, str(name))
        again = apply_overrides(verdicts, overrides_of(store, str(name)))
        for stage in shown["stage"].unique().sort():
            for metric in METRICS:
                both = [interval(of.filter(stage=stage), metric) for of in (shown, again)]
                rows.append(
                    {
                        "stage": stage,
                        "grader": name,
                        "metric": metric,
                        "shown": both[0].to_json(),
                        "again": both[1].to_json(),
                        "same": _same(*both),
                    }
                )
    return rows


def _same(a: Interval, b: Interval) -> bool:
    """Equal up to the order in which the mean was summed."""
    if a.value is None or b.value is None or a.low is None or b.low is None:
        return a == b
    return a.n == b.n and isclose(a.value, b.value) and isclose(a.low, b.low)


def _counts(store: Store, run: str) -> dict[str, int]:
    versions = [f"{rule.name} {rule.version}" for rule in GRADERS.values()]
    row = ask(
        store,
        """
        with of_run as (
            select *, grader || ' ' || grader_version in (select unnest($versions)) as current
            from scores where run = $run
        )
        select
            (select count(distinct generation_id) from generations where run = $run) as generations,
            count(*) as scores,
            count(*) filter (not current) as old,
            count(distinct (generation_id, grader)) filter (
                grader in (select unnest($graders)) and (generation_id, grader) not in (
                    select (generation_id, grader) from of_run where current
                )
            ) as outdated,
            count(*) - count(distinct (generation_id, grader, grader_version)) as twice,
            count(*) filter (
                generation_id not in (select generation_id from generations where run = $run)
            ) as without_text,
            (
                select count(*) from generations where run = $run
                and generation_id not in (select generation_id from of_run)
            ) as not_graded,
            (
                select count(*) from (
                    select problem_id from problems
                    where problem_id in (select problem_id from generations where run = $run)
                        and problem_id not in (
                            select problem_id from imported_problems where run = $run
                        )
                    group by problem_id having count(distinct (question, gold)) > 1
                )
            ) as ambiguous
        from of_run
        """,
        run=run,
        versions=versions,
        graders=list(GRADERS),
    )
    return dict(row.row(0, named=True))


def _next_generations(store: Store, run: str, after: tuple[str, str, int]) -> pl.DataFrame:
    """The generations behind `after` (stage, problem_id, sample), with question and gold."""
    stage, problem_id, sample = after
    return ask(
        store,
        """
        select * replace (coalesce(gold, $no_gold) as gold, coalesce(question, '') as question)
        from answered_generations
        where run = $run and (stage, problem_id, sample) > ($stage, $problem_id, $sample)
        order by stage, problem_id, sample
        limit $at_a_time
        """,
        run=run,
        stage=stage,
        problem_id=problem_id,
        sample=sample,
        no_gold=NO_GOLD,
        at_a_time=GENERATIONS_PER_BATCH,
    )


def _scores_that_differ(
    store: Store, run: str, part: pl.DataFrame
) -> tuple[list[dict[str, Any]], list[pl.DataFrame]]:
    """Verdicts that differ, and the recomputed verdicts: one for each stored score, copies too."""
    stored = ask(
        store,
        """
        select generation_id, grader, grader_version, format, extracted, correct, partial, reason
        from scores where run = $run and generation_id in (select unnest($ids))
        """,
        run=run,
        ids=part["generation_id"].to_list(),
    )
    differences, recomputed = [], []
    for name, version in stored.select("grader", "grader_version").unique().sort("grader").rows():
        if name not in GRADERS or GRADERS[name].version != version:
            continue
        of_grader = stored.filter(grader=name, grader_version=version)
        again = grade_generations(part.join(of_grader, on="generation_id", how="semi"), name)
        both = of_grader.join(again, on="generation_id", suffix="_again")
        recomputed.append(
            again.join(of_grader.select("generation_id"), on="generation_id").select(
                "grader", "generation_id", "stage", "problem_id",
                "format", pl.col("correct").alias("answer"), "partial", "extracted",
            )
        )  # fmt: skip
        for column in VERDICTS:
            different = both.filter(pl.col(column).ne_missing(pl.col(f"{column}_again")))
            differences += [
                {
                    "what": f"{name} {column}",
                    "generation_id": row["generation_id"],
                    "stored": row[column],
                    "again": row[f"{column}_again"],
                }
                for row in different.sort("generation_id").to_dicts()
            ]
    return differences, recomputed


def _failures_that_differ(store: Store, run: str, part: pl.DataFrame) -> list[dict[str, Any]]:
    """Categories that differ. SUSPECT_GOLD is not stored: `_suspects_that_differ`."""
    stored = ask(
        store,
        """
        select distinct on (generation_id) generation_id, categories from failures
        where run = $run and version = $version and generation_id in (select unnest($ids))
        """,
        run=run,
        version=VERSION,
        ids=part["generation_id"].to_list(),
    )
    again = categorise_generations(part.join(stored, on="generation_id", how="semi"))
    both = stored.join(again, on="generation_id", suffix="_again").sort("generation_id")
    names = [
        (row["generation_id"], _names(row["categories"]), _names(row["categories_again"]))
        for row in both.to_dicts()
    ]
    return [
        {"what": "categories", "generation_id": generation_id, "stored": a, "again": b}
        for generation_id, a, b in names
        if a != b
    ]


def _names(categories: list[dict[str, Any]]) -> list[str]:
    return [category["name"] for category in categories]


def _suspects_that_differ(
    store: Store, run: str, recomputed: list[pl.DataFrame]
) -> list[dict[str, Any]]:
    """Problems whose reference answer is suspect by the stored or by the recomputed verdicts only.

    recomputed: verdicts with `extracted`, of all graders
    """
    of_reader = [frame for frame in recomputed if frame["grader"][0] == READER.name]
    if not of_reader:
        return []
    again = apply_overrides(pl.concat(of_reader), overrides_of(store, READER.name))
    ids = again["problem_id"].unique().to_list()
    golds = golds_of(store, run, ids)
    stored = set(suspect_golds(store, run).rows())
    computed = set(suspects_of(undecided_problems(again).join(golds, on="problem_id")).rows())
    return [
        {
            "what": SUSPECT_GOLD,
            "generation_id": f"{stage}/{problem_id}",
            "stored": (stage, problem_id) in stored,
            "again": (stage, problem_id) in computed,
        }
        for stage, problem_id in sorted(stored ^ computed)
    ]
