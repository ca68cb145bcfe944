"""The index follows the store: parts, tags and overrides; a page keeps its snapshot."""

import json

import pytest

from data.response_format import render
from data.store import annotations
from evals.failures.categories import ONLY_LENIENT
from evals.imports.import_file import import_file
from evals.scores import grade_missing, overrides
from tests.support.browse_rows import evaluated
from tests.support.store_rows import scored
from workbench.app.browse import index as browse_index, pages
from workbench.app.browse.filter import Filter
from workbench.app.browse.index import new_index, refresh


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
