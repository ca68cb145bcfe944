"""What the pages ask of a million generations, beside pandas and SQLite on the same rows.

pandas holds all columns in memory; SQLite lies in a file with the indexes that a careful person
would make. Each answer is compared with ours. Loading is timed apart.
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
FACET = "facets of wrong answers (ours all eleven, theirs one)"
NEEDLE = "that 40 + 280 = 320 it"
SCORES = "generation_id, run, stage, problem_id, sample, format, correct, tokens, finish"
INDEXES = ("scores (stage, correct)", "scores (run, problem_id)", "texts (generation_id)")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Median of REPEATS [ms], and what came out."""
    took, made = [], None
    for _ in range(REPEATS):
        began = time.perf_counter()
        made = work()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took), made


def queries(folder: Path) -> Iterator[dict[str, Any]]:
    """A row for each question and each of the two others."""
    store = open_store(folder)
    began = time.perf_counter()
    index = new_index("strict")
    refresh(index, store)
    loading = time.perf_counter() - began
    ours = _ours(store, index)
    with tempfile.TemporaryDirectory() as beside:
        others = {"pandas": _pandas(store), "SQLite": _sqlite(store, Path(beside, "rows.db"))}
        for name, (seconds, theirs) in others.items():
            yield _row(f"loading, beside {name}", loading, seconds, "s")
            for case, work in ours.items():
                mine, found = timed(work)
                other, wanted = timed(theirs[case])
                if found != wanted:
                    raise RuntimeError(f"{case}: ours {found!r}, {name} {wanted!r}")
                yield _row(f"{case}, beside {name}", mine, other, "ms")


def _row(case: str, ours: float, theirs: float, unit: str) -> dict[str, Any]:
    ratio = round(theirs / ours, 1)
    return {"case": case, "ours": round(ours, 1), "theirs": round(theirs, 1), "unit": unit,
            "ratio": ratio}  # fmt: skip


def _runs(store: Store) -> tuple[str, str]:
    found = ask(store, "select distinct run from scores order by run limit 2")["run"].to_list()
    return found[0], found[1]


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
        found = pages.counts(index, store, Filter(chosen={"correct": ("wrong",)}))
        return sorted((name, n) for name, n in found["stage"] if n)

    def paired() -> Any:
        both = scores_of(store, a, "strict").join(
            scores_of(store, b, "strict"), on=["problem_id", "sample"]
        )
        fixed = both.filter(~both["answer"] & both["answer_right"]).height
        return fixed, both.filter(both["answer"] & ~both["answer_right"]).height

    def passed() -> Any:
        rows = scores_of(store, a, "strict").group_by("problem_id", maintain_order=True)
        right = np.array([found for _, found in rows.agg("answer").iter_rows()])
        return round(float(pass_at_k(right, 4).mean()), 9)

    def page() -> Any:
        rows = pages.page(index, store, Filter(chosen={"stage": ("grpo",)}), 200, 50)
        found = []
        for problem, part in rows.partition_by("problem_id", as_dict=True).items():
            stored = detail.texts(store, str(problem[0]), part["generation_id"].to_list(),
                                         part["run"].unique().to_list())  # fmt: skip
            found += [(id, row["text"]) for id, row in stored.items()]
        return sorted(found)

    def text() -> Any:
        index.found.clear()  # else the second time is read from what the first found
        return pages.total(index, store, Filter(chosen={"stage": ("sft",)}, text=NEEDLE))

    return {
        "right answers by stage": slice_by_stage,
        FACET: facet,
        "fixed and broken between two runs": paired,
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
        found = scores.groupby("stage")["correct"].agg(["size", "sum"]).sort_index()
        return [(str(stage), int(n), int(k)) for stage, n, k in found.itertuples()]

    def facet() -> Any:
        found = scores[~scores["correct"]].groupby("stage").size()
        return sorted((str(stage), int(n)) for stage, n in found.items())

    def paired() -> Any:
        on = ["problem_id", "sample"]
        both = scores[scores["run"] == a].merge(scores[scores["run"] == b], on=on)
        fixed = (~both["correct_x"] & both["correct_y"]).sum()
        return int(fixed), int((both["correct_x"] & ~both["correct_y"]).sum())

    def passed() -> Any:
        found = scores[scores["run"] == a].sort_values(["problem_id", "sample"])
        right = np.array(found.groupby("problem_id")["correct"].apply(list).to_list())
        return round(float(pass_at_k(right, 4).mean()), 9)

    def page() -> Any:
        order = ["run", "stage", "problem_id", "sample"]
        ids = (
            scores[scores["stage"] == "grpo"].sort_values(order)["generation_id"].iloc[9950:10_000]
        )
        found = texts[texts["generation_id"].isin(ids)]
        return sorted(found[["generation_id", "text"]].itertuples(index=False, name=None))

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
    for place, on in enumerate(INDEXES):
        db.execute(f"create index index_{place} on {on}")
    db.execute("analyze")
    db.commit()
    loading = time.perf_counter() - began

    def asked(query: str, *values: Any) -> list[tuple]:
        return db.execute(query, values).fetchall()

    def slice_by_stage() -> Any:
        return asked("select stage, count(*), sum(correct) from scores group by stage order by 1")

    def facet() -> Any:
        return asked(
            "select stage, count(*) from scores where correct = 0 group by stage order by 1"
        )

    def paired() -> Any:
        [found] = asked(
            "select sum(not a.correct and b.correct), sum(a.correct and not b.correct)"
            " from scores a join scores b using (problem_id, sample) where a.run = ? and b.run = ?",
            *(a, b),
        )
        return found

    def passed() -> Any:
        rows = asked(
            "select problem_id, correct from scores where run = ? order by problem_id, sample", a
        )
        right = np.array([one for _, one in rows], bool)
        problems = len({problem for problem, _ in rows})
        return round(float(pass_at_k(right.reshape(problems, -1), 4).mean()), 9)

    def page() -> Any:
        return sorted(
            asked(
                "select generation_id, text from texts where generation_id in ("
                " select generation_id from scores where stage = 'grpo'"
                " order by run, stage, problem_id, sample limit 50 offset 9950)"
            )
        )

    def text() -> Any:
        [(found,)] = asked(
            "select count(*) from scores join texts using (generation_id)"
            " where stage = 'sft' and instr(text, ?)",
            NEEDLE,
        )
        return found

    return loading, _named(slice_by_stage, facet, paired, passed, page, text)


def _named(*works: Callable[[], Any]) -> dict[str, Callable[[], Any]]:
    cases = (
        "right answers by stage",
        FACET,
        "fixed and broken between two runs",
        "pass@4 of one run",
        "a page of 50 with texts",
        "a text in one stage",
    )
    return dict(zip(cases, works, strict=True))
