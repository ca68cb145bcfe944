"""Answers that differ, and those that only look so."""

import pytest

from data.conversion.convert import convert

LONG = "".join(map(str, range(150)))  # longer than what is compared by its value
BOX = frozenset({"answer-from-box"})


def of(thought: str, answer: str, rules: frozenset[str] = frozenset(), prompt: str = "How many?"):
    completion = f"<think>{thought}</think>\n{answer}"
    return convert({"prompt": prompt, "completion": completion}, "completion", rules=rules)


def phrases(result) -> set[str]:
    return {d.phrase for d in result.defects} - {"answer not short"}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("0.5", r"\frac{1}{2}"),
        ("1000", "1,000"),
        ("1000", "1{,}000"),
        ("5", "x = 5"),
        ("5", r"5 \text{ cm}"),
        ("A", r"\text{A}"),
        ("(A)", "A"),
        (r"\frac{1}{2}", r"\frac12"),
        (r"\$5", "5"),
        ("5", "5.0"),
        (r"\dfrac{3}{4}", "0.75"),
        ("-2", "\u22122"),
        (r"1\frac{1}{2}", "1.5"),
        (r"\left( 1, 2 \right)", "(1,2)"),
    ],
)
def test_boxes_of_one_value_in_two_forms_are_one_answer(first, second):
    for thought, answer in ((first, second), (second, first)):
        result = of(f"So \\boxed{{{thought}}}.", f"It is \\boxed{{{answer}}}.")
        assert (result.outcome, phrases(result)) == ("example", set())
        assert of("So.", f"\\boxed{{{thought}}}, or \\boxed{{{answer}}}").outcome == "example"


@pytest.mark.parametrize(
    ("first", "second"),
    [("5", "6"), ("0.5", r"\frac{1}{3}"), ("A", "B"), ("-5", "5"), ("1000", "100"), ("5.5", "5")],
)
def test_boxes_of_two_values_are_two_answers(first, second):
    result = of(f"So \\boxed{{{first}}}.", f"It is \\boxed{{{second}}}.")
    assert result.reason == "two answers that differ"
    result = of("So.", f"It is \\boxed{{{first}}}. Or perhaps \\boxed{{{second}}}.")
    assert result.reason == "two answers that differ"


@pytest.mark.parametrize(
    ("first", "second"),
    [(r"50\%", "0.5"), ("x+1", "1+x"), ("north", "up"), (LONG, LONG[1:])],
)
def test_boxes_that_cannot_be_compared_are_a_warning(first, second):
    result = of(f"So \\boxed{{{first}}}.", f"It is \\boxed{{{second}}}.")
    assert (result.outcome, phrases(result)) == ("example", {"two answers that may differ"})


@pytest.mark.parametrize(
    "answer",
    [
        "(a) \\boxed{3}\n(b) \\boxed{5}",
        "a) There are \\boxed{3}.\nb) There are \\boxed{5}.",
        "1. \\boxed{3}\n2. \\boxed{5}",
        "**Part 1:** \\boxed{3}\n\n**Part 2:** \\boxed{5}",
        "The roots are \\boxed{3} and \\boxed{5}.",
        "$\\boxed{3}$, $\\boxed{5}$",
        "$x = \\boxed{3}$ and so $y = \\boxed{5}$",
        "(i) pens: \\boxed{3} (ii) books: \\boxed{5}",
    ],
)
@pytest.mark.parametrize("thought", ["Pens: 3. Books: 5.", "\\boxed{3}, \\boxed{5}"])
def test_parts_of_one_answer_each_in_its_box_do_not_differ(thought, answer):
    result = of(thought, answer)
    assert (result.outcome, phrases(result)) == ("example", set())


def test_parts_of_which_none_is_what_the_thought_found_are_a_warning():
    result = of("So \\boxed{9}.", "(a) \\boxed{3}\n(b) \\boxed{5}")
    assert (result.outcome, phrases(result)) == ("example", {"two answers that may differ"})


@pytest.mark.parametrize("answer", ["3, 5", "3,5", "3 \\text{ and } 5", "3.0; 5"])
def test_boxes_of_the_thought_may_be_joined_in_one_box_of_the_answer(answer):
    result = of("First \\boxed{3}. Then \\boxed{5}.", f"\\boxed{{{answer}}}")
    assert (result.outcome, phrases(result)) == ("example", set())


@pytest.mark.parametrize(
    "answer",
    [
        "\\boxed{3} or perhaps \\boxed{5}",
        "It is \\boxed{3}. No: it is \\boxed{5}.",
        "(a) \\boxed{3}\n(a) \\boxed{5}",
        "(a) \\boxed{3} but I meant \\boxed{5}",
    ],
)
def test_two_boxes_without_two_labels_are_two_answers(answer):
    assert of("So.", answer).reason == "two answers that differ"


def test_with_the_rule_an_answer_of_several_parts_stays_whole():
    answer = "(a) \\boxed{3}\n(b) \\boxed{5}"
    result = of("So.", answer, BOX)
    assert result.example
    assert result.example.answer.text == answer
    assert of("So \\boxed{5}.", "\\boxed{5.0}", BOX).example.answer.text == "5.0"  # pyright: ignore


@pytest.mark.parametrize(
    ("thought", "answer", "reason"),
    [
        ("So \\fbox{5}.", "It is \\boxed{5}.", None),
        ("So \\boxed{5}.", "It is \\fbox{6}.", "two answers that differ"),
        ("So.", "\\fbox{5} or \\fbox{6}", "two answers that differ"),
        ("So.", "It is \\fbox{}", "answer empty"),
        ("So.", "\\fbox {7}", None),
    ],
)
def test_a_frame_is_a_box(thought, answer, reason):
    assert of(thought, answer).reason == reason


def test_the_rule_takes_the_answer_out_of_a_frame():
    example = of("So.", "It is \\fbox{7}.", BOX).example
    assert example is not None
    assert example.answer.text == "7"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (r"\boxed{2} \pmod 7", r"\boxed{2} \pmod 5"),
        (r"$-\boxed{5}$", r"\boxed{6}"),
        (r"\boxed{5} \cdot 10^3", r"\boxed{6}"),
        (r"\boxed{2 \pmod 7}", r"\boxed{2 \pmod 5}"),
    ],
)
def test_boxes_differ_by_what_stands_beside_them(first, second):
    assert of(f"So {first}.", f"It is {second}.").reason == "two answers that differ"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (r"\boxed{5} \cdot 10^3", r"\boxed{5000}"),
        (r"\boxed{2} \pmod 7", r"$\boxed{2} \pmod{7}$"),
        (r"$-\boxed{5}$", r"\boxed{-5}"),
        (r"\boxed{50}\%", r"\boxed{50\%}"),
        (r"\boxed{5} dollars", r"$\boxed{5}$ in all"),
    ],
)
def test_boxes_are_equal_with_what_stands_beside_them(first, second):
    for thought, answer in ((first, second), (second, first)):
        assert phrases(of(f"So {thought}.", f"It is {answer}.")) == set()


@pytest.mark.parametrize("beside", [r"$3 + \boxed{5} = 8$", r"$-\boxed{5}$", r"\boxed{5} million"])
def test_a_box_that_is_equal_only_alone_is_a_warning(beside):
    assert phrases(of(f"So {beside}.", r"It is \boxed{5}.")) == {"two answers that may differ"}


@pytest.mark.parametrize(
    "answer",
    [
        r"It is \boxed{2} \pmod 7", r"It is $-\boxed{5}$.", r"\boxed{5} \cdot 10^3", r"\boxed{5}/2",
        r"\boxed{101}_2", r"\boxed{5} million", r"$\sqrt{\boxed{5}}$", r"\boxed{5} or 6",
        r"$2\boxed{5}$", r"\boxed{x^2} + C",
    ],
)  # fmt: skip
def test_a_box_whose_neighbours_change_it_is_not_the_whole_answer(answer):
    example = of("So.", answer, BOX).example
    assert (example is not None and example.answer.text) == answer


@pytest.mark.parametrize(
    "answer",
    [
        r"\boxed{5} dollars",
        r"\boxed{5}.",
        r"$\boxed{5}^\circ$",
        r"\boxed{5}\%",
        r"x = \boxed{5}",
        r"The inverse of 3 modulo 7 is \boxed{5}.",
    ],
)
def test_a_box_in_a_sentence_is_the_whole_answer(answer):
    example = of("So.", answer, BOX).example
    assert (example is not None and example.answer.text) == "5"
