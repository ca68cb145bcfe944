"""The last number of prose, its rivals in the clause, and whether its text takes it back."""

import pytest

from data.numbers.prose import is_retracted, last_quantity
from evals.graders.corrections import TAKEN_BACK
from evals.graders.rules import lenient

UNCLEAR = [  # either number may be the answer
    ("She pays $12 for 3 books.", 12, 3), ("10 apples are left, out of 50.", 10, 50),
    ("He bought 3 books for 12 dollars", 12, 3), ("12 is the price of 3 books", 12, 3),
    ("It takes 12 hours at a speed of 5 miles", 12, 5), ("Of these, 4 of the 12 are red", 4, 12),
    ("He has 12 pens if he buys 3 packs.", 12, 3), ("There are 12 apples (3 red ones).", 12, 3),
    ("in total (1,200,000), of which 9", 1_200_000, 9), ("Tom has 12 and Jane has 3.", 12, 3),
    ("She saves 12 dollars in 3 weeks.", 12, 3), ("So it is 12 with 3 left over", 12, 3),
    ("It costs 12 because each costs 3", 12, 3), ("So $x = 12$ at $t = 3$.", 12, 3),
    ("The roots are $x = 12$ or $x = 3$.", 12, 3), ("so from 3 to 12", 12, 3),
    ("We get 12 when y = 3.", 12, 3),
]  # fmt: skip
CLEAR = [
    "She has 4 cats and 8 dogs, so 12 pets", "The price of 3 books is $12",
    "3 books cost 12 dollars", "From 3 o'clock to 15 it takes 12 hours", "3 * 4 = 12",
    "He sold it for 20 for a profit of 12", "In 3 weeks she will have 12 dollars",
    "If he buys 3 packs, he has 12 pens.", "That makes a total of 12 for 12 of them",
    "He had 20. He ate 8, then 12 remain.", "12 apples in one day", "That is 12.00 (12 dollars).",
]  # fmt: skip


@pytest.mark.parametrize(("text", "one", "other"), UNCLEAR)
def test_of_two_numbers_of_a_clause_neither_is_certainly_the_answer(text, one, other):
    golds = str(one), str(other), "7"
    assert [lenient(text, gold).correct for gold in golds] == [None, None, False]


@pytest.mark.parametrize("text", CLEAR)
def test_the_last_number_is_the_answer_where_the_sentence_leads_to_it(text):
    verdicts = [lenient(text, gold).correct for gold in ("12", "3", "20")]
    assert verdicts == [True, False, False]


def test_the_rivals_of_a_number_are_named():
    last = last_quantity("Of 3 boxes\nshe pays $12 for 3 books")
    assert last is not None
    assert (last.text, last.rivals, last.is_list) == ("3", ("$12",), False)


RETRACTED = [
    "I first thought 5, but something else", "I first thought 5, but it is something else.",
    "At first I thought it was 5.", "I guessed 5 initially. That was incorrect.",
    "You might think it is 5, but that is wrong.", "Originally we got 5",
    "5, which is obviously incorrect",
    "It is 5.\nNo, the answer is another number.", "I used to think it was 5",
    "It is tempting to say 5", "5? Scratch that.",
]  # fmt: skip
MARKED = [
    "The answer is 5, but that is wrong.", "\\boxed{5}. Wait, that is wrong.",
    "#### 5\nNo, that is not right.", "\\boxed{5}, however this isn't correct",
    "Final answer: 5. I made a mistake.",
]  # fmt: skip
KEPT = [
    "She has 5 left, but not all are red", "First he has 5 of them", "I thought about it: 5",
    "So it is 5. Actually, that is all.", "It was wrong before, now it is 5",
    "He first bought 2, then it was 5", "So 5 apples, which is fine.",
]  # fmt: skip


@pytest.mark.parametrize("text", RETRACTED + MARKED)
def test_a_number_that_its_text_takes_back_is_no_answer(text):
    score = lenient(text, "5")
    assert (score.correct, score.reason) == (None, TAKEN_BACK)
    assert lenient(text, "6").correct is False


@pytest.mark.parametrize("text", KEPT)
def test_a_number_that_nothing_takes_back_is_the_answer(text):
    assert lenient(text, "5").correct is True
    assert not is_retracted(*text.rsplit("5", 1))
