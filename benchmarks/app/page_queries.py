"""Queries of the pages over a million generations, beside pandas and SQLite on the same rows.

pandas holds all columns in memory; SQLite is a file with the indexes that a careful person would
create. All results are compared with ours. Loading is timed separately.
"""

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from data.store import Store, ask, open_store
from evals.scores import scores_of
from evals.statistics.pass_at_k import pass_at_k
from workbench.app.browse import Filter, detail, new_index, pages, refresh

REPEATS = 5
FACET = "facets of incorrect answers (ours all eleven, theirs one)"
NEEDLE = "that 40 + 280 = 320 it"
SCORES = "generation_id, run, stage, problem_id, sample, format, correct, tokens, finish"
INDEXES = ("scores (stage, correct)", "scores (run, problem_id)", "texts (generation_id)")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Median of REPEATS [ms], and the result."""
    took, result = [], None
    for _ in range(REPEATS):
        began = time.perf_counter()
        result = work()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took), result


def queries(folder: Path) -> Iterator[dict[str, Any]]:
    """A row for each query and each of the two other systems."""
    store = open_store(folder)
    began = time.perf_counter()
    index = new_index("strict")
    refresh(index, store)
    loading = time.perf_counter() - began
    ours = _ours(store, index)
    with tempfile.TemporaryDirectory() as beside:
        systems = {"pandas": _pandas(store), "SQLite": _sqlite(store, Path(beside, "rows.db"))}
        for name, (seconds, theirs) in systems.items():
            yield _row(f"loading, beside {name}", loading, seconds, "s")
            for case, work in ours.items():
                our_time, result = timed(work)
                their_time, expected = timed(theirs[case])
                if result != expected:
                    raise RuntimeError(f"{case}: ours {result!r}, {name} {expected!r}")
                yield _row(f"{case}, beside {name}", our_time, their_time, "ms")


def _row(case: str, ours: float, theirs: float, unit: str) -> dict[str, Any]:
    ratio = round(theirs / ours, 1)
    return {"case": case, "ours": round(ours, 1), "theirs": round(theirs, 1), "unit": unit,
            "ratio": ratio}  # fmt: skip


def _runs(store: Store) -> tuple[str, str]:
    first, second = ask(store, "select distinct run from scores order by run limit 2")["run"]
    return first, second


def _ours(store: Store, index: Any) -> dict[str, Callable[[], Any]]:
    a, b = _runs(store)

    def slice_by_stage() -> Any:
        rows = ask(
            store,
            "select stage, count(*) as n, count(*) filter (correct) as k from scores"
            " where grader = 'strict' group by stage order by stage",
        )
        return [tuple(row) for row in rows.iter_rows()]

    def facet() -> Any:
        counts = pages.counts(index, store, Filter(chosen={"correct": ("wrong",)}))
        return sorted((name, n) for name, n in counts["stage"] if n)

    def paired() -> Any:
        both = scores_of(store, a, "strict").join(
            scores_of(store, b, "strict"), on=["problem_id", "sample"]
        )
        fixed = both.filter(~both["answer"] & both["answer_right"]).height
        return fixed, both.filter(both["answer"] & ~both["answer_right"]).height

    def passed() -> Any:
        rows = scores_of(store, a, "strict").group_by("problem_id", maintain_order=True)
        right = np.array([answers for _, answers in rows.agg("answer").iter_rows()])
        return round(float(pass_at_k(right, 4).mean()), 9)

    def page() -> Any:
        rows = pages.page(index, store, Filter(chosen={"stage": ("grpo",)}), 200, 50)
        texts = []
        for problem, part in rows.partition_by("problem_id", as_dict=True).items():
            stored = detail.texts(store, str(problem[0]), part["generation_id"].to_list(),
                                         part["run"].unique().to_list())  # fmt: skip
            texts += [(generation, row["text"]) for generation, row in stored.items()]
        return sorted(texts)

    def text() -> Any:
        index.searches.clear()  # or the second search is read from the cache
        return pages.total(index, store, Filter(chosen={"stage": ("sft",)}, text=NEEDLE))

    return {
        "correct answers by stage": slice_by_stage,
        FACET: facet,
        "fixed and regressed between two runs": paired,
        "pass@4 of one run": passed,
        "a page of 50 with texts": page,
        "a text in one stage": text,
    }


def _pandas(store: Store) -> tuple[float, dict[str, Callable[[], Any]]]:

    a, b = _runs(store)
    began = time.perf_counter()
    scores: Any = ask(store, f"select {SCORES} from scores where grader = 'strict'").to_pandas()
    texts: Any = ask(store, "select generation_id, text from generations").to_pandas()
    loading = time.perf_counter() - began

    def slice_by_stage() -> Any:
        counts = scores.groupby("stage")["correct"].agg(["size", "sum"]).sort_index()
        return [(str(stage), int(n), int(k)) for stage, n, k in counts.itertuples()]

    def facet() -> Any:
        counts = scores[~scores["correct"]].groupby("stage").size()
        return sorted((str(stage), int(n)) for stage, n in counts.items())

    def paired() -> Any:
        on = ["problem_id", "sample"]
        both = scores[scores["run"] == a].merge(scores[scores["run"] == b], on=on)
        fixed = (~both["correct_x"] & both["correct_y"]).sum()
        return int(fixed), int((both["correct_x"] & ~both["correct_y"]).sum())

    def passed() -> Any:
        rows = scores[scores["run"] == a].sort_values(["problem_id", "sample"])
        right = np.array(rows.groupby("problem_id")["correct"].apply(list).to_list())
        return round(float(pass_at_k(right, 4).mean()), 9)

    def page() -> Any:
        order = ["run", "stage", "problem_id", "sample"]
        ids = (
            scores[scores["stage"] == "grpo"].sort_values(order)["generation_id"].iloc[9950:10_000]
        )
        rows = texts[texts["generation_id"].isin(ids)]
        return sorted(rows[["generation_id", "text"]].itertuples(index=False, name=None))

    def text() -> Any:
        of_stage = set(scores.loc[scores["stage"] == "sft", "generation_id"])
        chosen = texts[texts["generation_id"].isin(of_stage)]
        return int(chosen["text"].str.contains(NEEDLE, regex=False).sum())

    return loading, _named(slice_by_stage, facet, paired, passed, page, text)


def _sqlite(store: Store, file: Path) -> tuple[float, dict[str, Callable[[], Any]]]:
    a, b = _runs(store)
    began = time.perf_counter()
    db = sqlite3.connect(file)
    db.execute("pragma journal_mode = off")
    db.execute(f"create table scores ({SCORES})")
    db.execute("create table texts (generation_id, text)")
    for run in ask(store, "select distinct run from scores order by run")["run"]:
        rows = ask(
            store, f"select {SCORES} from scores where grader = 'strict' and run = $r", r=run
        )
        db.executemany("insert into scores values (?,?,?,?,?,?,?,?,?)", rows.iter_rows())
        rows = ask(store, "select generation_id, text from generations where run = $r", r=run)
        db.executemany("insert into texts values (?, ?)", rows.iter_rows())
    for number, on in enumerate(INDEXES):
        db.execute(f"create index index_{number} on {on}")
    db.execute("analyze")
    db.commit()
    loading = time.perf_counter() - began

    def fetch(query: str, *values: Any) -> list[tuple]:
        return db.execute(query, values).fetchall()

    def slice_by_stage() -> Any:
        return fetch("select stage, count(*), sum(correct) from scores group by stage order by 1")

    def facet() -> Any:
        return fetch(
            "select stage, count(*) from scores where correct = 0 group by stage order by 1"
        )

    def paired() -> Any:
        [counts] = fetch(
            "select sum(not a.correct and b.correct), sum(a.correct and not b.correct)"
            " from scores a join scores b using (problem_id, sample) where a.run = ? and b.run = ?",
            *(a, b),
        )
        return counts

    def passed() -> Any:
        rows = fetch(
            "select problem_id, correct from scores where run = ? order by problem_id, sample", a
        )
        right = np.array([one for _, one in rows], bool)
        problems = len({problem for problem, _ in rows})
        return round(float(pass_at_k(right.reshape(problems, -1), 4).mean()), 9)

    def page() -> Any:
        return sorted(
            fetch(
                "select generation_id, text from texts where generation_id in ("
                " select generation_id from scores where stage = 'grpo'"
                " order by run, stage, problem_id, sample limit 50 offset 9950)"
            )
        )

    def text() -> Any:
        [(count,)] = fetch(
            "select count(*) from scores join texts using (generation_id)"
            " where stage = 'sft' and instr(text, ?)",
            NEEDLE,
        )
        return count

    return loading, _named(slice_by_stage, facet, paired, passed, page, text)


def _named(*works: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
    cases = (
        "correct answers by stage",
        FACET,
        "fixed and regressed between two runs",
        "pass@4 of one run",
        "a page of 50 with texts",
        "a text in one stage",
    )
    return dict(zip(cases, works, strict=True))
