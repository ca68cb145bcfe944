"""Rewards: what is right is what the evaluation calls right."""

import math

import pytest

from evals.graders.rules import GRADERS
from pipeline.config import BadConfig, GrpoConfig
from pipeline.train.rewards import GRADER, as_tunix, judged, rewards_of

RIGHT = "<reasoning>3 + 4 = 7</reasoning>\n<answer>7</answer>"
WRONG = "<reasoning>3 + 4 = 8</reasoning>\n<answer>8</answer>"
CLOSE = "<reasoning>about</reasoning>\n<answer>98</answer>"
BARE = "The answer is 7"


def parts(text: str, gold: str) -> dict[str, float]:
    score = judged(text, gold)
    return {part.name: part.value(text, gold, score) for part in rewards_of(GrpoConfig())}


def total(text: str, gold: str) -> float:
    return sum(part.weight * parts(text, gold)[part.name] for part in rewards_of(GrpoConfig()))


@pytest.mark.parametrize("text", [RIGHT, WRONG, CLOSE, BARE, "", "<answer>7</answer>" * 2])
def test_the_answer_reward_is_the_graders_verdict(text):
    assert parts(text, "7")["answer"] == float(GRADERS[GRADER].grade(text, "7").correct is True)
    assert parts(text, "7")["exact_format"] == float(
        GRADERS[GRADER].grade(text, "7").format is True
    )


def test_right_beats_every_wrong_text_however_well_formed():
    assert total(RIGHT, "7") > 2 * total(WRONG, "7")
    assert total(WRONG, "7") > total("", "7")


def test_near_is_worth_half_of_right():
    assert parts(CLOSE, "100")["closeness"] == 0.5
    assert parts(CLOSE, "98")["closeness"] == 1.0
    assert parts(CLOSE, "10")["closeness"] == 0.0


def test_tags_are_counted_once_each():
    assert parts(RIGHT, "7")["approximate_format"] == 1.0
    assert parts(RIGHT + RIGHT, "7")["approximate_format"] == 0.0
    assert parts("<reasoning>x</reasoning>", "7")["approximate_format"] == 0.5


def test_an_undecidable_answer_earns_nothing_and_spoils_no_sum():
    assert math.isnan(parts(RIGHT, "no number at all")["answer"])


def test_tunix_gets_weighted_lists_and_a_name():
    functions = {part.name: as_tunix(part) for part in rewards_of(GrpoConfig(reward_answer=4.0))}
    assert functions["answer"].__name__ == "answer"
    assert functions["answer"](
        prompts=["a", "b"],
        completions=[RIGHT, WRONG],
        gold=["7", "7"],
        problem_id=["p", "p"],
        mode="train",
    ) == [4.0, 0.0]


def test_weights_that_pay_for_format_over_answers_are_refused():
    with pytest.raises(BadConfig, match="must be larger than all other rewards"):
        GrpoConfig(reward_answer=1.0, reward_format=2.0)
