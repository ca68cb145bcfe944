"""Rollouts by filters, texts and order; facets; and the named questions about a run."""

import polars as pl
import pytest

from data.errors import UserError
from data.store.store import add, ask
from evals.rollouts import steps
from evals.rollouts.browse import Browse, facets, rollout_counts, rollout_rows
from evals.rollouts.questions import QUESTIONS, ask_about
from evals.rollouts.verdicts import categorise_rollouts, grade_rollouts
from tests.support.rollout_rows import GOLDS, GROUPS, UNDECIDED, rolled, text
from tests.support.store_rows import rows_of
from workbench.cli.commands.rollouts.browse import NAMES

RUN = "mine"
LATE = [
    (9, 0, "p", ["1", "1", "7", "no tags <answer>"]),  # p was solved half of the time at first
    (9, 1, "q", [UNDECIDED, "7", "7", "8"]),
]


@pytest.fixture
def graded(store):
    rolled(store, RUN, GROUPS + LATE, GOLDS, discarded=[(2, 0, "r", ["2", "2", "2", "2"])])
    grade_rollouts(store, RUN, "strict")
    categorise_rollouts(store, RUN)
    return store


def chosen(**fields) -> Browse:
    return Browse(RUN, "strict", **fields)


def numbers(store, **fields) -> list[tuple]:
    rows = rollout_rows(store, chosen(**fields), 100)
    return rows.select("step", "group", "attempt", "sample").rows()


def test_verdicts_and_categories_are_stored_once(graded):
    for table in ("rollout_scores", "rollout_failures"):
        before = ask(graded, f"select count(*) from {table}").item()
        grade_rollouts(graded, RUN, "strict")
        categorise_rollouts(graded, RUN)
        assert (before, ask(graded, f"select count(*) from {table}").item()) == (28, 28)


def test_a_run_that_goes_on_is_graded_from_where_it_was(graded):
    rolled(graded, RUN, [(10, 0, "r", ["7", "7"])], {})
    grade_rollouts(graded, RUN, "strict")
    query = "select count(*), count(distinct step) from rollout_scores"
    assert ask(graded, query).row(0) == (30, 4)


def test_a_judge_that_the_store_lacks_is_named(graded):
    with pytest.raises(UserError, match="there is no judge 'check'; the store has none"):
        rollout_counts(graded, Browse(RUN, "judge:check"))


def test_filters_texts_and_order_choose_rows(graded):
    assert numbers(graded, where="verdict = unknown") == [(9, 1, 0, 0)]
    assert numbers(graded, where='category = "no format"') == [(2, 0, 1, 1), (9, 0, 0, 3)]
    assert numbers(graded, search="NO TAGS") == [(2, 0, 1, 1), (9, 0, 0, 3)]
    assert len(numbers(graded, where="discarded = true")) == 4
    assert not numbers(graded, where="discarded = true", discarded=False)
    longest = rollout_rows(graded, chosen(sort="chars", descending=True), 3)["chars"].to_list()
    assert longest == sorted(longest, reverse=True)
    assert (
        rollout_rows(graded, chosen(sort="advantage"), 28)["advantage"].to_list()[-4:] == [None] * 4
    )
    assert rollout_counts(graded, chosen(where="step = 9")) == {
        "rollouts": 8,
        "groups": 2,
        "steps": 1,
        "problems": 2,
    }


def test_a_field_that_is_none_is_refused(graded):
    with pytest.raises(UserError, match="no field 'length'; expected one of step, group"):
        chosen(sort="length")


def test_facets_count_the_chosen_rollouts(graded):
    counts = facets(graded, chosen(where="step = 9"))
    assert [(row["value"], row["n"]) for row in counts["verdict"]] == [
        ("incorrect", 4),
        ("correct", 3),
        ("unknown", 1),
    ]
    for name in ("reward", "tokens", "chars"):
        assert sum(row["n"] for row in counts[name]) == 8
        assert all(row["low"] <= row["high"] for row in counts[name])


def test_bands_of_one_value_are_one_band(graded):
    [band] = facets(graded, chosen(where="step = 2 and group = 1"))["reward"]
    assert (band["n"], band["low"]) == (4, band["high"])


def asked(store, name: str, **fields) -> dict:
    return ask_about(store, name, chosen(**fields), 100)


def test_what_was_rewarded_and_is_incorrect(graded):
    value = ask_about(graded, "rewarded-but-incorrect", chosen(), 100, rewarded=0.7)
    expected = ask(
        graded,
        "select count(*) from sampled_rollouts join rollout_scores"
        ' using (run, step, "group", attempt, sample) where reward >= 0.7 and not correct',
    ).item()
    assert (value["rollouts"], value["of"]["rollouts"]) == (expected, 28)
    assert expected > 0


def test_what_a_step_learned_against_the_answer(graded):
    advantages = [row["advantage"] for row in asked(graded, "correct-but-punished")["rows"]]
    assert advantages == []  # an answer weighs more than the format in these rewards
    rows = asked(graded, "incorrect-with-positive-advantage")["rows"]
    assert all(row["advantage"] > 0 and row["verdict"] == "incorrect" for row in rows)
    kinds = asked(graded, "first-hacks")["rows"]
    assert len({row["kind"] for row in kinds}) == len(kinds)


def test_groups_that_teach_nothing(graded):
    value = asked(graded, "zero-variance-groups", discarded=False)
    assert (value["groups"], len(value["rows"])) == (2, 2)
    assert [(row["step"], row["group"]) for row in value["rows"]] == [(1, 1), (2, 1)]


def test_identical_texts_are_shown_once_with_their_copies(graded):
    first = asked(graded, "identical")["rows"][0]
    assert (first["text"], first["copies"]) == (text("7"), 10)


def test_drift_compares_a_problem_early_and_late(graded):
    [lost, *_] = asked(graded, "drift")["rows"]
    assert lost["problem_id"] in ("p", "q")
    by_problem = {row["problem_id"]: row for row in asked(graded, "drift")["rows"]}
    early, late = by_problem["p"]["early"], by_problem["p"]["late"]
    assert (early["step"], late["step"]) == (1, 9)
    places = (late["step"], late["group"], late["sample"])
    [row] = rollout_rows(graded, chosen(where="step = 9 and group = 0"), 9).filter(
        sample=late["sample"]
    )["text"]
    assert (places[:2], row) == ((9, 0), late["text"])
    assert by_problem["p"]["change"] == late["correct"] / 4 - early["correct"] / early["rollouts"]


def test_drift_counts_the_rollouts_that_it_compares(graded):
    value = asked(graded, "drift")
    parts = [row[part]["rollouts"] for row in value["rows"] for part in ("early", "late")]
    assert (value["rollouts"], value["problems"]) == (sum(parts), len(value["rows"]))
    assert value["of"]["rollouts"] > value["rollouts"] > 0
    once = asked(graded, "drift", where="step = 9")
    assert (once["rollouts"], once["groups"], once["rows"]) == (0, 0, [])


def test_a_group_of_one_or_with_an_unknown_reward_is_not_of_zero_variance(store):
    rows = pl.DataFrame(
        {
            "step": 1,
            "group": [0, 1, 1, 2, 2],
            "sample": [0, 0, 1, 0, 1],
            "problem_id": "p",
            "text": "a",
            "reward": [1.0, 1.0, None, 1.0, 1.0],
        }
    )
    fields = {column: rows[column].to_list() for column in rows.columns}
    add(store, "rollouts", rows_of("rollouts", **fields), run=RUN)
    value = asked(store, "zero-variance-groups")
    assert [(row["step"], row["group"]) for row in value["rows"]] == [(1, 2)]
    assert value["groups"] == 1
    assert steps.groups(store, RUN, 1)["spread"].to_list() == [None, None, 0.0]
    assert steps.steps(store, RUN)["zero_variance"].to_list() == [1.0]


def test_a_filter_holds_in_addition_to_a_question(graded):
    assert asked(graded, "longest", where="step = 9")["rollouts"] == 8


def test_the_command_offers_every_question():
    assert tuple(QUESTIONS) == NAMES
