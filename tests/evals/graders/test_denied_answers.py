"""An answer that is denied, doubted or answered by no does not pass; one that is affirmed does."""

import pytest

from data.numbers import BOUND
from evals.graders.corrections import NO_ANSWER_KNOWN, TAKEN_BACK
from evals.graders.rules import lenient, strict

DENIED = [
    "I don't think the answer is 12.",
    "I don\u2019t think that the answer is 12.",
    "I do not believe the answer is 12.",
    "I do not really think the final answer is 12.",
    "It is impossible that the answer is 12.",
    "It's very unlikely that the answer is 12.",
    "No way the answer is 12",
    "There is no way that the answer is 12.",
    "There is no chance the correct answer is 12.",
    "I cannot say that the answer is 12.",
    "I can't confirm that the answer is 12.",
    "I am not sure that the answer is 12.",
    "It is not true that the answer is 12.",
    "It isn't the case that the answer is 12.",
    "I doubt that the answer is 12.",
    "I highly doubt the answer is 12.",
    "It is wrong to say that the answer is 12.",
    "I refuse to believe that the answer is 12.",
    "Nobody thinks the answer is 12.",
    "I would never say that the answer is 12.",
    "The answer is 12? No.",
    "The answer is 12?\nNo.",
    "The answer is **12**? Nope!",
    "The answer is 12? I don't think so.",
    "The answer is 12? Certainly not.",
    "The answer is 12? That is wrong.",
    "The answer is 12, right? Wrong.",
    "The answer is $12$, isn't it? No.",
    "Answer: 12? No.",
    "The answer is 12?",
    "Is it 12? No.",
    "Is the answer 12? No, it is not.",
    "It is 12, correct? Incorrect.",
    "I don't think it is 12.",
    "I do not believe that there are 12.",
    "No way it is 12.",
    "It can't possibly be 12.",
    "The answer is 12. No, it isn't.",
    "The answer is 12, but I doubt it.",
    "\\boxed{12}. Hmm, I don't think the answer is 12.",
    "The answer is 12? No. The rest is 12 too.",
    "I don't think the answer is \\boxed{12}.",
    "I do not think it is $\\boxed{12}$.",
    "\\boxed{12}? No.",
    "The answer is 12. Or not.",
    "Under no circumstances is the answer 12.",
    # doubt
    "the answer might be 12",
    "The answer could be 12.",
    "It may be 12.",
    "Perhaps the answer is 12.",
    "It is possible that the answer is 12.",
]
GIVES_UP = [
    "I cannot determine the answer. There are 12 months in a year.",
    "It is impossible to determine the answer. A dozen is 12 eggs.",
    "The answer cannot be determined. There are 12 months in a year.",
    "There is not enough information. She has 12 apples.",
    "There are 12 months in a year. I don't know the answer.",
    "There isn't enough information to solve this. A year has 12 months.",
    "The problem gives insufficient information. Tom has 12 cats.",
    "The answer is unknown. There are 12 months in a year.",
    "I am unable to solve this. There are 12 apples.",
    "I have no idea. There are 12 apples.",
    "This problem can't be solved. She starts with 12 coins.",
    "We could not find the answer. She starts with 12 coins.",
    "She starts with 12 coins. I can't answer that.",
    "She starts with 12 coins, but no answer can be given.",
    "I don't have enough information about the 12 coins.",
]
AFFIRMED = [
    "I don't think it is 11; the answer is 12.",
    "I don't think the answer is 11. The answer is 12.",
    "I don't think the answer is 11. It is 12.",
    "The answer is 11? No. It is 12.",
    "The answer is 11, right? Wrong. The answer is 12.",
    "No doubt the answer is 12.",
    "There is no doubt that the answer is 12.",
    "I do not doubt that the answer is 12.",
    "Without a doubt, the answer is 12.",
    "Without a doubt the answer is 12.",
    "I cannot deny that the answer is 12.",
    "Nobody doubts that the answer is 12.",
    "I don't see any reason to doubt that the answer is 12.",
    "I don't think it is 11, it is \\boxed{12}.",
    "I can't help but think the answer is 12.",
    "It can't be 11, so the answer is 12.",
    "It can't be 11 so it is 12.",
    "Is the answer 12? Yes.",
    "The answer is 12? Yes.",
    "The answer is 12, right? Right.",
    "The answer is 12? No doubt.",
    "The answer is 12, not 13.",
    "The answer is 12. Could it be 13? No.",
    "Could it be 11? No. The answer is 12.",
    "I think the answer is 12.",
    "I believe it is 12.",
    "The answer is probably 12.",
    "The answer should be 12.",
    "I don't know why, but the answer is 12.",
    "11 is impossible. The answer is 12.",
    "Not 11. The answer is 12.",
    "I first did not think the answer is 12, but the answer is 12.",
    "It is not hard to see that the answer is 12.",
    "I cannot determine it directly. So I add: 5 + 7 = 12.",
    "There is not enough information at first, but 5 + 7 is 12.",
    "I cannot determine her age. The answer is 12.",
    "The answer is 12 <3",
    "It is 12 <3",
    "12 <3",
    "The answer is 12 apples <3",
    "\\boxed{12} <3",
]


@pytest.mark.parametrize("text", DENIED + GIVES_UP)
def test_a_denied_or_doubted_answer_is_unknown_and_never_right(text):
    score = lenient(text, "12")
    assert score.correct is None
    assert score.reason in (TAKEN_BACK, NO_ANSWER_KNOWN, BOUND)
    assert lenient(text, "29").correct is False
    block = f"<reasoning>r</reasoning>\n<answer>{text}</answer>"
    assert strict(block, "12").correct is None


@pytest.mark.parametrize("text", GIVES_UP)
def test_a_text_that_gives_up_says_so_as_the_reason(text):
    assert lenient(text, "12").reason == NO_ANSWER_KNOWN


@pytest.mark.parametrize("text", AFFIRMED)
def test_an_affirmed_answer_is_right(text):
    assert lenient(text, "12").correct is True
    assert lenient(text, "29").correct is False


@pytest.mark.parametrize("text", ["So x <3", "\\boxed{x <3}", "We know that 12 <3"])
def test_an_inequality_is_no_heart(text):
    assert lenient(text, "12").correct is not True
    assert lenient("\\boxed{x <3}", "x<3").correct is True
