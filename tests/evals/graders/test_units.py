"""Units and times of answers and golds: 90 minutes are 1.5 hours, 5 m are not 5 km."""

import pytest

from evals.graders.compare import HALF_OF_DAY, UNITS_DIFFER
from evals.graders.rules import lenient

EQUAL = [
    ("90 minutes", "1.5 hours"), ("2 hours 30 minutes", "150 minutes"), ("5 km", "5"),
    ("2 hours and 30 minutes", "2.5 hours"), ("150 minutes", "2 hours 30 minutes"), ("5", "5 km"),
    ("$5", "5 dollars"), ("50 cents", "$0.50"), ("500 cents", "5 euros"), ("3 ft", "1 yard"),
    ("1 m/s", "3.6 km/h"), ("5 miles per hour", "5 mph"), ("12 m^2", "12 square meters"),
    ("12 m²", "120000 cm²"), ("1 year", "12 months"), ("16 oz", "1 pound"), ("2 days", "48 hours"),
    ("1,500 m", "1.5 km"), ("6 dollars and 50 cents", "$6.50"), ("50\\%", "50 percent"),
    ("5 feet 6 inches", "66 inches"), ("60 km", "60 km/h"), ("90°", "90 degrees"),
    ("5 apples", "5 oranges"), ("20 ‰", "2%"),
]  # fmt: skip
WRONG = [
    ("5 m", "5 km"), ("5 feet", "5 inches"), ("5 cents", "$5"), ("5 hours", "5 minutes"),
    ("5 pounds", "5 kg"), ("6 kg", "5 km"), ("5 feet", "5 feet 6 inches"), ("5 km/h", "5 mph"),
    ("2 hours 30 minutes", "2.3 hours"), ("5 ml", "5 liters"), ("50 cents", "0.5"),
]  # fmt: skip
UNDECIDED = [
    ("50%", "50 dollars"), ("5 euros", "$5"), ("5 kg", "5 km"), ("12 m", "12 m^2"),
    ("150", "2 hours 30 minutes"), ("5 minutes", "5 m"), ("5 degrees", "5%"), ("$5", "5 km"),
]  # fmt: skip


def verdicts(pairs: list[tuple[str, str]]) -> dict[tuple[str, str], set[bool | None]]:
    """The verdicts on each pair, in a box and in prose."""
    return {
        (answer, gold): {
            lenient(f"\\boxed{{{answer}}}", gold).correct,
            lenient(f"So it is {answer}.", gold).correct,
        }
        for answer, gold in pairs
    }


def test_one_quantity_in_two_units_is_one_answer():
    assert verdicts(EQUAL) == {pair: {True} for pair in EQUAL}


def test_an_equal_number_of_another_unit_is_wrong():
    assert verdicts(WRONG) == {pair: {False} for pair in WRONG}


def test_equal_numbers_of_two_measures_are_undecided():
    assert verdicts(UNDECIDED) == {pair: {None} for pair in UNDECIDED}
    assert lenient("\\boxed{50\\%}", "50 dollars").reason == UNITS_DIFFER


TIMES = [
    ("3 PM", "3:00 PM"), ("3:30 PM", "3:30 p.m."), ("3.30 pm", "15:30"), ("15h30", "15:30"),
    ("15.30 Uhr", "15:30"), ("15 Uhr 30", "3:30 pm"), ("3 o'clock", "3:00"), ("15:30", "15.30 Uhr"),
    ("3:30 in the afternoon", "15:30"), ("3 pm", "3 PM"), ("half past three", "3:30"),
    ("half past 3", "3:30"), ("half-past three p.m.", "15:30"), ("a quarter to four", "3:45"),
    ("quarter past 3 in the afternoon", "15:15"), ("ten past three", "3:10"),
    ("ten minutes to 4", "3:50"), ("twenty-five past seven", "7:25"), ("three thirty", "3:30"),
    ("seven oh five", "7:05"), ("ten to four p.m.", "15:50"), ("quarter to one", "12:45"),
    ("three o'clock", "3:00"), ("3:30", "half past three"), ("three thirty pm", "3:30 PM"),
    ("Viertel nach drei", "3:15"), ("halb vier", "3:30"),
]  # fmt: skip
OTHER_TIMES = [
    ("3 PM", "3 AM"), ("3:30", "3:31 PM"), ("15.30 Uhr", "3:30 am"), ("4", "3 PM"),
    ("half past four", "3:30"), ("quarter past four", "3:45"), ("ten minutes past 4", "3:50"),
    ("half past three in the morning", "3:30 PM"),
]  # fmt: skip
EITHER_TIMES = [("3:30", "3:30 PM"), ("3", "3 PM"), ("noon", "12:00"), ("half past 3", "3:30 PM")]
NAMED = [("midnight", "00:00"), ("noon", "12 PM"), ("midday", "12:00 p.m.")]


@pytest.mark.parametrize("sentence", ["The answer is {}", "It starts at {}", "\\boxed{{{}}}", "{}"])
def test_a_time_of_day_is_read_whole_however_it_is_written(sentence):
    for correct, pairs in ((True, TIMES), (False, OTHER_TIMES), (None, EITHER_TIMES)):
        scores = {pair: lenient(sentence.format(pair[0]), pair[1]).correct for pair in pairs}
        assert scores == dict.fromkeys(pairs, correct)
    assert {lenient(f"\\boxed{{{name}}}", gold).correct for name, gold in NAMED} == {True}
    assert lenient("It starts at 3:30.", "3:30 PM").reason == HALF_OF_DAY
    assert lenient("The meeting is at 3:30 PM.", "3:30 PM").extracted == "3:30 PM."


@pytest.mark.parametrize(
    ("answer", "gold"), [("ten to four", "5:2"), ("half past three", "3"), ("five to three", "5:3")]
)
def test_a_time_in_words_is_no_number_and_no_ratio(answer, gold):
    assert lenient(f"The answer is {answer}.", gold).correct is not True
