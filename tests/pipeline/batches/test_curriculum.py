"""Which problems a step gets: by pass rate so far, and always the same ones."""

import numpy as np
import pytest

from pipeline.batches.curriculum import Ledger, ProblemChoice
from pipeline.batches.examples import Prompt

PROBLEMS = [Prompt(f"p{number}", f"{number}?", str(number)) for number in range(20)]


def ids(problems) -> list[str]:
    return [problem.problem_id for problem in problems]


def test_a_new_problem_has_an_even_chance():
    assert Ledger().pass_rate("p") == 0.5


def test_unknown_verdicts_are_neither_correct_nor_incorrect():
    ledger = Ledger()
    ledger.add([("p", None), ("p", None)])
    assert ledger.pass_rate("p") == 0.5
    ledger.add([("p", True), ("p", None)])
    assert ledger.pass_rate("p") == pytest.approx(2 / 3)


def test_later_steps_count_for_more():
    up, down = Ledger(), Ledger()
    up.add([("p", False)] * 8)
    up.add([("p", True)] * 8)
    down.add([("p", True)] * 8)
    down.add([("p", False)] * 8)
    assert up.pass_rate("p") == pytest.approx((8 + 1) / (12 + 2))
    assert down.pass_rate("p") == pytest.approx((4 + 1) / (12 + 2))


def test_the_order_of_one_steps_verdicts_does_not_matter():
    verdicts = [("p", True), ("q", False), ("p", False), ("q", False)]
    one, other = Ledger(), Ledger()
    one.add(verdicts)
    other.add(reversed(verdicts))
    assert one._counts == other._counts


def test_a_draw_is_repeated_by_seed_step_and_attempt():
    choice = ProblemChoice(PROBLEMS, 0, 1.0)
    draw = ids(choice.draw(8, 3, 1))
    assert ids(choice.draw(8, 3, 1)) == draw
    others = [
        choice.draw(8, 4, 1),
        choice.draw(8, 3, 2),
        ProblemChoice(PROBLEMS, 1, 1.0).draw(8, 3, 1),
    ]
    assert all(ids(other) != draw for other in others)


def test_a_draw_has_no_problem_twice_and_none_that_is_excluded():
    draw = ids(ProblemChoice(PROBLEMS, 0, 1.0).draw(50, 1, 0, without={"p3", "p4"}))
    assert sorted(draw) == sorted({f"p{number}" for number in range(20)} - {"p3", "p4"})


def shares(strength: float) -> dict[str, float]:
    """How often one problem of each kind is drawn, of 4,000 draws of one in three."""
    problems = [Prompt(name, name, "1") for name in ("solved", "hopeless", "even")]
    choice = ProblemChoice(problems, 0, strength)
    choice.ledger.add([("solved", True)] * 8 + [("hopeless", False)] * 8)
    choice.ledger.add([("even", correct) for correct in (True, False) * 4])
    drawn = [ids(choice.draw(1, step, 0))[0] for step in range(4000)]
    return {name: drawn.count(name) / len(drawn) for name in ("solved", "hopeless", "even")}


@pytest.mark.parametrize("strength", [0.0, 1.0, 2.0])
def test_shares_follow_the_formula(strength):
    rates = np.array([9 / 10, 1 / 10, 1 / 2])
    weights = (4 * rates * (1 - rates)) ** strength
    expected = weights / weights.sum()
    assert list(shares(strength).values()) == pytest.approx(expected, abs=0.03)
