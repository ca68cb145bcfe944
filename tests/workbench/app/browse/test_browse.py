"""Browsing: facets, pages, neighbours and searches are what one gets by reading every row."""

import itertools
import json

import polars as pl
import pytest

from data.response_format import render
from data.store import annotations
from data.store.schema import TABLES
from data.store.store import add, add_generations, ask, open_store, version
from evals.failures.categories import ONLY_LENIENT, VERSION
from evals.graders.rules import GRADERS
from evals.imports.import_file import import_file
from evals.scores import grade_missing, overrides
from tests.support.store_rows import rows_of, scored
from workbench.app.browse import detail, pages
from workbench.app.browse.filter import CATEGORY_VALUES, FACETS, Filter, of_address, to_address
from workbench.app.browse.index import Index, new_index, refresh

NAMES = ("near miss", "two answers", "token limit")
PROBLEMS = [f"p{n}" for n in range(6)]
TOKENS = [10, 64, 127, 4096, None, 300]


def evaluated(store, run: str, stage: str, samples: int = 2) -> list[dict]:
    """Add a run whose rows differ in every facet; the rows as queries should return them."""
    rows = []
    for nth, (problem, sample) in enumerate(itertools.product(PROBLEMS, range(samples))):
        number = nth + len(run)
        rows.append(
            {
                "generation_id": f"{problem}:{sample}:{run}",
                "problem_id": problem,
                "sample": sample,
                "text": f"text {number} of {run}",
                "tokens": TOKENS[number % len(TOKENS)],
                "finish": ["stop", "length", None][number % 3],
                "correct": [True, False, None][number % 3],
                "format": [True, False][number % 2],
                "names": [list(NAMES[: number % 4]), None][number % 5 == 4],
            }
        )
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    texts = rows_of("generations", **{k: v for k, v in columns.items() if k in
                                      TABLES["generations"]})  # fmt: skip
    n = len(rows)
    scores = rows_of(
        "scores", grader=["strict"] * n, grader_version=[GRADERS["strict"].version] * n,
        **{k: v for k, v in columns.items() if k in TABLES["scores"]},
    )  # fmt: skip
    add_generations(store, texts, scores, run=run, stage=stage)
    seen = [row for row in rows if row["names"] is not None]
    failures = rows_of(
        "failures",
        generation_id=[row["generation_id"] for row in seen],
        problem_id=[row["problem_id"] for row in seen],
        version=[VERSION] * len(seen),
        categories=[[{"name": name, "start": 0, "end": 1} for name in row["names"]]
                    for row in seen],
    )  # fmt: skip
    add(store, "failures", failures, run=run, stage=stage)
    return [row | {"run": run, "stage": stage} for row in rows]


def values_of(row: dict, facet: str) -> set[str]:
    """The values of one facet that a row has, in the words of browse/filter.py."""
    yes = {True: 1, False: 0, None: 2}
    tokens = row["tokens"]
    if facet in ("run", "stage"):
        return {row[facet]}
    if facet == "correct":
        return {("wrong", "right", "unknown")[yes[row["correct"]]]}
    if facet == "format":
        return {("not in format", "in format", "unknown")[yes[row["format"]]]}
    if facet == "finish":
        return {row["finish"] or "unknown"}
    if facet == "category":
        if row["correct"]:
            return {"nothing found"}  # a correct row has no errors, looked at or not
        if row["names"] is None:
            return {"not looked at"}
        return set(row["names"]) or {"nothing found"}
    if facet == "length":
        named = {10: "under 64", 64: "64 to 127", 127: "64 to 127", 300: "256 to 511",
                 4096: "4096 and more", None: "unknown"}  # fmt: skip
        return {named[tokens]}
    if facet == "steps":
        return {"unknown" if row["problem_id"] == "p5" else str(int(row["problem_id"][1]) % 3)}
    if facet == "source":
        return {"unknown" if row["problem_id"] == "p5" else "mine"}
    return set()


def fits(row: dict, where: Filter, but: str | None = None) -> bool:
    return where.text in row["text"] and all(
        values_of(row, facet) & set(where.of(facet))
        for facet in FACETS
        if facet != but and where.of(facet)
    )


def filled(store) -> tuple[list[dict], Index]:
    rows = evaluated(store, "eval-base", "base") + evaluated(store, "eval-sft-1", "sft", 3)
    stored = PROBLEMS[:5]
    problems = rows_of("problems", problem_id=stored, question=stored, gold=["7"] * 5,
                       steps=[n % 3 for n in range(5)], source=["mine"] * 5)  # fmt: skip
    add(store, "problems", problems, run="ingest")
    index = new_index("strict")
    refresh(index, store)
    return rows, index


@pytest.fixture(scope="module")
def still(tmp_path_factory):
    """A store that no test changes, its rows, and its index."""
    store = open_store(tmp_path_factory.mktemp("browse") / "store")
    rows, index = filled(store)
    yield store, rows, index
    index.engine.close()


@pytest.fixture
def fresh(store):
    """Likewise, for a test that changes it."""
    rows, index = filled(store)
    yield store, rows, index
    index.engine.close()


FILTERS = (
    Filter(),
    Filter(chosen={"stage": ("sft",)}),
    Filter(chosen={"stage": ("sft",), "correct": ("wrong", "unknown")}),
    Filter(chosen={"category": ("near miss", "nothing found"), "format": ("in format",)}),
    Filter(chosen={"category": ("not looked at",)}),
    Filter(chosen={"steps": ("1", "unknown"), "length": ("64 to 127", "unknown")}),
    Filter(chosen={"source": ("mine",), "finish": ("length",)}, text="of eval-sft"),
    Filter(chosen={"run": ("nowhere",)}),
)


@pytest.mark.parametrize("where", FILTERS, ids=str)
def test_counts_of_facets_are_those_of_the_rows(still, where):
    store, rows, index = still
    counts = pages.counts(index, store, where)
    for facet in FACETS:
        if facet in ("tag", "difficulty"):
            continue
        expected: dict[str, int] = {}
        for row in rows:
            if fits(row, where, but=facet):
                for value in values_of(row, facet):
                    expected[value] = expected.get(value, 0) + 1
        assert {value: n for value, n in counts[facet] if n} == expected


@pytest.mark.parametrize("where", FILTERS, ids=str)
def test_counts_of_a_facet_with_one_value_a_row_add_up(still, where):
    store, _, index = still
    for facet in ("stage", "run", "correct", "format", "finish", "length", "steps", "difficulty",
                  "source"):  # fmt: skip
        unchosen = where.choosing(facet, ())
        counts = dict(pages.counts(index, store, where)[facet])
        assert sum(counts.values()) == pages.total(index, store, unchosen)


@pytest.mark.parametrize("where", FILTERS, ids=str)
def test_pages_hold_every_row_that_fits_once_and_in_order(still, where):
    store, rows, index = still
    expected = [row["generation_id"] for row in rows if fits(row, where)]
    total = pages.total(index, store, where)
    shown = [pages.page(index, store, where, n, 4) for n in range(1, total // 4 + 2)]
    assert [one for page in shown for one in page["generation_id"]] == expected
    assert total == len(expected)
    assert pages.ids(index, store, where) == expected


def test_neighbours_go_through_all_that_fits(still):
    store, rows, index = still
    where = FILTERS[2]
    expected = [row["generation_id"] for row in rows if fits(row, where)]
    position, went = pages.position_of(index, expected[0]), []
    while position is not None:
        row = pages.neighbours(index, store, where, position)
        went.append((row["number"], row["of"]))
        position = pages.position_of(index, row["next"]) if row["next"] else None
    assert went == [(n + 1, len(expected)) for n in range(len(expected))]
    last = pages.position_of(index, expected[-1])
    assert last is not None
    assert pages.neighbours(index, store, where, last)["previous"] == expected[-2]


def test_all_generations_of_a_problem_are_returned_whatever_the_filter(still):
    store, rows, index = still
    one = rows[0]
    page = pages.same_problem(index, store, FILTERS[7], one["generation_id"])
    assert page["generation_id"].to_list() == [
        row["generation_id"] for row in rows if row["problem_id"] == one["problem_id"]
    ]
    assert pages.position_of(index, "nowhere") is None


BANDS = {
    "never right": lambda share: share == 0,
    "right half the time or less": lambda share: 0 < share <= 0.5,
    "right more often than not": lambda share: 0.5 < share < 1,
    "always right": lambda share: share == 1,
}


def test_difficulty_is_the_share_of_all_stored_answers_that_are_right(still):
    store, rows, index = still
    shares = {}
    for problem in PROBLEMS:
        verdicts = [r["correct"] for r in rows if r["problem_id"] == problem]
        shares[problem] = verdicts.count(True) / len(verdicts)
    for value, fits_band in BANDS.items():
        page = pages.page(index, store, Filter(chosen={"difficulty": (value,)}), 1, 100)
        assert set(page["problem_id"]) == {p for p, share in shares.items() if fits_band(share)}


def test_an_unknown_answer_is_not_right_and_a_problem_of_only_such_has_no_difficulty(store):
    verdicts = {
        "never right": [False, None],
        "right half the time or less": [True, None],
        "right more often than not": [True, True, None],
        "always right": [True, True],
        "unknown": [None, None],
    }
    scored(store, "eval", verdicts)
    index = new_index("strict")
    refresh(index, store)
    for value, answers in verdicts.items():
        page = pages.page(index, store, Filter(chosen={"difficulty": (value,)}), 1, 100)
        assert page["problem_id"].to_list() == [value] * len(answers)
    index.engine.close()


def test_a_person_who_says_right_takes_the_errors_of_a_row_away(fresh):
    store, _, index = fresh
    missed = Filter(chosen={"category": ("near miss",)})
    before = pages.ids(index, store, missed)
    overrides.override(store, before[0], "strict", "right", "I read it", "ana")
    refresh(index, store)
    assert pages.ids(index, store, missed) == before[1:]


def test_an_override_and_a_tag_count_at_once(fresh):
    store, rows, index = fresh
    wrong = next(row["generation_id"] for row in rows if row["correct"] is False)
    right = Filter(chosen={"correct": ("right",)})
    before = pages.total(index, store, right)
    overrides.override(store, wrong, "strict", "right", "I read it", "ana")
    annotations.tag_all(store, "generation", [wrong, rows[0]["generation_id"]], "odd", "ana")
    refresh(index, store)
    assert pages.total(index, store, right) == before + 1
    assert pages.counts(index, store, Filter())["tag"] == [("odd", 2)]
    assert pages.total(index, store, Filter(chosen={"tag": ("odd",)})) == 2
    annotations.untag_all(store, "generation", [wrong], "odd", "ben")
    refresh(index, store)
    assert pages.counts(index, store, Filter())["tag"] == [("odd", 1)]


def test_one_more_tag_leaves_the_rows_and_the_search_results_as_they_were(fresh):
    store, rows, index = fresh
    first, second, third = (row["generation_id"] for row in rows[:3])
    annotations.tag_all(store, "generation", [first, second, "of another store"], "odd", "ana")
    refresh(index, store)
    before, result = index.snapshots[-1], pages.hits(index, store, Filter(text="text 1"))
    annotations.tag(store, "generation", third, "even", "ana")
    annotations.untag_all(store, "generation", [first], "odd", "ana")
    refresh(index, store)
    now = index.snapshots[-1]
    assert now.generations == before.generations
    assert pages.hits(index, store, Filter(text="text 1")) is result
    assert pages.counts(index, store, Filter(), ("tag",)) == {"tag": [("even", 1), ("odd", 1)]}
    odd = Filter(chosen={"tag": ("odd",)})
    assert pages.ids(index, store, odd) == [second]
    # whoever reads the snapshot of before still can
    assert before.tagged.height == 2


def test_tags_stay_on_their_generations_when_a_run_gets_other_positions(fresh):
    store, _, index = fresh
    last = evaluated(store, "eval-more", "sft", samples=1)[-1]["generation_id"]
    annotations.tag(store, "generation", last, "odd", "ana")
    refresh(index, store)
    odd = Filter(chosen={"tag": ("odd",)})
    [position] = index.tags["position"]
    evaluated(store, "eval-more", "sft", samples=2)  # second answers stand between the first ones
    refresh(index, store)
    assert index.tags["position"].to_list() != [position]
    assert pages.ids(index, store, odd) == [last]


def test_only_the_runs_whose_parts_changed_are_read_again(fresh, monkeypatch):
    store, rows, index = fresh
    from workbench.app.browse import index as browse_index

    read: list[str] = []
    plain = browse_index._rows_of

    def noted(store, run, grader):
        read.append(run)
        return plain(store, run, grader)

    monkeypatch.setattr(browse_index, "_rows_of", noted)
    refresh(index, store)
    assert read == []
    rows += evaluated(store, "eval-new", "grpo")
    refresh(index, store)
    assert read == ["eval-new"]
    assert pages.total(index, store, Filter()) == len(rows)
    assert dict(pages.counts(index, store, Filter())["stage"])["grpo"] == 12


def test_a_filter_is_the_same_after_it_was_an_address():
    where = Filter("lenient", {"stage": ("sft", "base"), "category": (CATEGORY_VALUES[3],)}, "a&b")
    assert of_address(to_address(where)).key() == where.key()
    assert to_address(of_address({})) == {}


@pytest.mark.parametrize(
    "value", ["'; drop table base; --", "1 or 1=1", "../../etc/passwd", "$size", "{generations}"]
)
def test_what_an_address_says_is_a_value_and_never_a_question(still, value):
    store, rows, index = still
    address = {name: [value] for name in (*FACETS, "text", "grader")}
    where = of_address(address)
    assert where.grader == "strict"
    assert pages.total(index, store, where) == 0
    pages.counts(index, store, where)
    assert pages.total(index, store, Filter()) == len(rows)


def test_a_version_changes_with_what_it_is_of_and_with_nothing_else(fresh):
    store, *_ = fresh
    tags, problems = version(store, "tags"), version(store, "problems")
    annotations.tag(store, "generation", "g", "odd", "ana")
    assert version(store, "tags") != tags
    assert version(store, "problems") == problems
    add(store, "problems", rows_of("problems", problem_id=["new"]), run="more")
    assert version(store, "problems") != problems
    with pytest.raises(ValueError, match="jobs has no version"):
        version(store, "jobs")


def test_many_are_tagged_in_one_step_or_not_at_all(store):
    with pytest.raises(annotations.BadEntry):
        annotations.tag_all(store, "generation", ["a", "b"], " ", "ana")
    annotations.tag_all(store, "generation", ["a", "b"], "odd", "ana")
    tags = ask(store, "select target_id, tag from tags")
    assert tags.equals(pl.DataFrame({"target_id": ["a", "b"], "tag": ["odd"] * 2}))


def test_a_page_that_is_slow_reads_its_snapshot_while_the_index_goes_on(fresh):
    store, _, index = fresh
    slow = index.snapshots[-1]
    query = f"select count(*) as n from {slow.generations}"
    before = index.engine.cursor().sql(query).pl()["n"].item()
    names = []
    for n in range(4):
        evaluated(store, f"eval-more-{n}", "sft", samples=1)
        refresh(index, store)
        names.append(index.snapshots[-1].generations)
    assert index.engine.cursor().sql(query).pl()["n"].item() == before
    tables = "select table_name from duckdb_tables() where table_name like 'generations%'"
    in_use = set(index.engine.cursor().sql(tables).pl()["table_name"])
    assert in_use == {slow.generations, *names[-2:]}
    del slow
    evaluated(store, "eval-last", "sft", samples=1)
    refresh(index, store)
    assert len(index.engine.cursor().sql(tables).pl()) == 2


@pytest.mark.parametrize("grader", ["strict", "lenient", "math", "notebook"])
def test_the_category_of_correct_answers_without_the_format_is_offered_under_each_grader(
    store, tmp_path, grader
):
    texts = ["The answer is 7", "\\boxed{7}", "#### 7", "The answer is 8", render("so", "7")]
    rows = [
        {"problem_id": str(n), "question": "3 + 4?", "gold": "7", "text": text}
        for n, text in enumerate(texts)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    import_file(store, tmp_path / "rows.jsonl", "m")
    grade_missing(store, "m", grader)
    index = new_index(grader)
    refresh(index, store)
    counts = dict(pages.counts(index, store, Filter(grader))["category"])
    assert counts[ONLY_LENIENT] == 3
    where = Filter(grader, {"category": (ONLY_LENIENT,)})
    page = pages.page(index, store, where, 1, 100)
    assert page["problem_id"].to_list() == ["0", "1", "2"]
    right = {"0", "1", "2"} if grader in ("lenient", "math") else set()
    assert set(page.filter(correct="right")["problem_id"]) == right
    # a correct answer in the format has no error, and an incorrect one not this category
    by_problem = dict(
        pages.page(index, store, Filter(grader), 1, 100).select("problem_id", "categories").rows()
    )
    assert by_problem["4"] == ["nothing found"]
    assert ONLY_LENIENT not in by_problem["3"]
    index.engine.close()


def test_a_row_has_the_question_and_the_gold_of_its_own_run(store):
    for run, gold in (("a", "8"), ("b", "7")):
        problems = rows_of("problems", problem_id=["p"], source=[run], split=["test"],
                           question=[f"What has {run}?"], gold=[gold])  # fmt: skip
        add(store, "problems", problems, run=run)
        scored(store, run, {"p": True})
    index = new_index("strict")
    refresh(index, store)
    rows = pages.page(index, store, Filter(), 1, 10).select("run", "question", "gold").rows()
    assert rows == [("a", "What has a?", "8"), ("b", "What has b?", "7")]
    assert [detail.problem(store, "p", run)["gold"] for run in ("a", "b", "c")] == ["8", "7", "8"]
    index.engine.close()


@pytest.mark.parametrize(
    ("facet", "value", "nearest"),
    [
        ("category", "near mis", "near miss"),
        ("category", "correct, wrong format", ONLY_LENIENT),
        ("category", "Token Limit", "token limit"),
        ("stage", "sfd", "sft"),
        ("stage", "Base", "base"),
        ("finish", "lenght", "length"),
        ("finish", "stopped", "stop"),
        ("correct", "correct", "right"),
        ("format", "in-format", "in format"),
        ("run", "eval-sft-2", "eval-sft-1"),
        ("source", "min", "mine"),
        ("length", "under 46", "under 64"),
    ],
)
def test_a_value_that_no_generation_has_is_named_with_the_nearest(still, facet, value, nearest):
    store, _, index = still
    [problem] = pages.misspelt(index, store, Filter(chosen={facet: (value,)}))
    assert f"{facet} = {value!r}" in problem
    assert nearest in problem


@pytest.mark.parametrize("where", FILTERS)
def test_values_that_there_are_and_tags_that_may_come_are_not_refused(still, where):
    store, _, index = still
    where = where.choosing("tag", ["soon"])
    misspelt = [value for value in where.of("run") if value == "nowhere"]
    assert len(pages.misspelt(index, store, where)) == len(misspelt)
