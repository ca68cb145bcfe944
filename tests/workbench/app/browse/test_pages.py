"""Facets, pages and neighbours are what one gets by reading every row."""

import pytest

from data.store.store import add
from tests.support.browse_rows import FILTERS, PROBLEMS, fits, values_of
from tests.support.imported import colliding, import_rows
from tests.support.store_rows import rows_of, scored
from workbench.app.browse import detail, pages
from workbench.app.browse.filter import FACETS, Filter
from workbench.app.browse.index import new_index, refresh


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


def test_generations_under_one_id_are_shown_together_only_if_they_answer_one_question(
    store, tmp_path
):
    colliding(store, tmp_path)
    import_rows(store, tmp_path, "c", {"question": "9 -  1?", "gold": "8", "text": "eight"})
    index = new_index("lenient")
    refresh(index, store)
    for generation, expected in (("p1:000:a:import", ["a"]), ("p1:000:c:import", ["b", "c"])):
        rows = pages.same_problem(index, store, Filter("lenient"), generation)
        assert sorted(rows["run"]) == expected
