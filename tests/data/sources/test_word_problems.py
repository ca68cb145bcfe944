"""Generated problems: solvable, graded by steps, disjoint splits, the same for the same seed."""

import operator
import re

import pytest

from data.conversion.convert import convert
from data.sources.samples import word_problems

SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def problems(n=400, seed=0, split="test"):
    return list(word_problems.problems(n, seed, split))


def test_every_step_computes_and_the_last_one_is_the_answer():
    for problem in problems():
        before = None
        for step in problem.steps:
            assert SIGNS[step.sign](step.left, step.right) == step.result > 0
            assert before in (None, step.left)
            before = step.result
        assert problem.gold == str(before)


def test_each_number_of_steps_has_its_share():
    counts = [len(problem.steps) for problem in problems(400)]
    assert [counts.count(steps) for steps in (1, 2, 3, 4)] == [100] * 4


def test_the_question_names_every_number_but_the_factors():
    for problem in problems(100):
        sentences = re.findall(r"\d+", problem.question)
        wanted = [problem.steps[0].left]
        wanted += [step.right for step in problem.steps if step.sign != "*"]
        assert sentences == [str(number) for number in wanted]


def test_no_question_is_in_both_splits_and_none_comes_twice():
    train = {p.question for seed in range(3) for p in problems(1_000, seed, "train")}
    test = [p.question for p in problems(600)]
    assert len(set(test)) == 600
    assert not train & set(test)


@pytest.mark.parametrize("style", [word_problems.careful, word_problems.terse])
def test_a_solution_ends_with_the_answer(style):
    for problem in problems(100):
        assert re.findall(r"\d+", style(problem))[-1] == problem.gold


def test_the_same_seed_gives_the_same_problems_and_another_seed_others():
    assert problems(50) == problems(50) != problems(50, seed=1)


def test_rows_in_gsm8ks_shape_convert_to_their_own_gold():
    rows = word_problems.gsm8k_rows(100, 0, "train")
    for row, problem in zip(rows, problems(100, split="train"), strict=True):
        example = convert(row, "gsm8k").example
        assert example
        assert example.answer.text == problem.gold
        for left, sign, right, result in re.findall(
            r"<<(\d+)([-+*])(\d+)=(\d+)>>", str(row["answer"])
        ):
            assert SIGNS[sign](int(left), int(right)) == int(result)
