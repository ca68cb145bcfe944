"""Verdicts: golden cases, the notebook's own regexes, hostile texts, and published labels."""

import json
import re
import time

import pytest
from hypothesis import given, settings, strategies as st

from data.errors import UserError
from evals.graders import tunix_notebook
from evals.graders.rules import GOLD_IS_NO_NUMBER, GRADERS, Score, grader
from tests import ROOT

CASES = json.loads((ROOT / "tests/golden/verdicts.json").read_text())
SHARED = ROOT.parent / "shared" / "data"


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_each_grader_says_what_the_golden_case_says(case, name):
    score = GRADERS[name].grade(case["text"], case["gold"])
    assert [score.format, score.correct, score.partial] == case[name]


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_correct_implies_partial(case, name):
    score = GRADERS[name].grade(case["text"], case["gold"])
    zero_divided_by_zero = name == "notebook" and case["gold"] == "0"
    assert not score.correct or score.partial or zero_divided_by_zero


@pytest.mark.parametrize("name", ["strict", "lenient"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["case"])
def test_an_unknown_verdict_says_why(case, name):
    score = GRADERS[name].grade(case["text"], case["gold"])
    assert (score.correct is not None and score.partial is not None) or score.reason


def test_a_gold_that_is_no_number_is_unknown_not_wrong():
    score = GRADERS["strict"].grade("<reasoning>r</reasoning><answer>5</answer>", "many")
    assert score == Score(True, "5", None, None, GOLD_IS_NO_NUMBER)


def test_an_unknown_grader_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match="expected one of strict, lenient, notebook, math"):
        grader("loose")


REFERENCE_FORMAT = re.compile(
    r"^[\s]{0,}<reasoning>.+?</reasoning>.*?<answer>(.+?)</answer>[\s]{0,}$",
    flags=re.MULTILINE | re.DOTALL,
)
REFERENCE_NUMBER = re.compile(r"<answer>.*?([\d\.]{1,})", flags=re.MULTILINE | re.DOTALL)
pieces = st.sampled_from(
    ["<reasoning>", "</reasoning>", "<answer>", "</answer>", "\n", " ", "\x1c", "x", "7", ".", ","]
)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(pieces, max_size=14).map("".join))
def test_the_notebook_grader_finds_what_the_notebooks_regexes_find(text):
    match = REFERENCE_NUMBER.search(text)
    assert tunix_notebook.in_format(text) == (REFERENCE_FORMAT.search(text) is not None)
    assert tunix_notebook.extract(text) == (match.group(1) if match else None)


def in_blocks(answer: str) -> str:
    return f"<reasoning>r</reasoning><answer>{answer}</answer>"


MEGABYTE = 10**6
HOSTILE = {
    "answer tags": "<answer>" * (MEGABYTE // 8),
    "both openers": "<reasoning>a</reasoning><answer>" * (MEGABYTE // 32),
    "openers on lines of their own": ("\n" + " " * 50 + "<reasoning>") * (MEGABYTE // 62),
    "closers before a space": "</answer> " * (MEGABYTE // 10) + "x",
    "digits": "1" * MEGABYTE,
    "thousands": "1," * (MEGABYTE // 2),
    "announcements": "final answer " * (MEGABYTE // 13),
    "an announcement of spaces": "final answer: " + " " * MEGABYTE,
    "boxes": "\\boxed{" * (MEGABYTE // 7),
    "braces": "\\boxed{" + "{" * MEGABYTE,
    "lines": "A:\n" * (MEGABYTE // 3),
    "digits in the block": in_blocks("1" * MEGABYTE),
    "letters in the block": in_blocks("5 " + "a" * 9_000 + " 1"),
    "spaces in the block": in_blocks("-" + " " * 9_000 + "x"),
    "an exponent of spaces": in_blocks("^" + " " * 9_000 + "1"),
    "a fraction of digits": in_blocks("1/" + "7" * 3_990),
    "a huge exponent": in_blocks("1e999999999"),
    "a large exponent": in_blocks("1e3999"),
}


@pytest.mark.parametrize("name", GRADERS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_megabyte_of_malice_is_graded_in_seconds(text, name):
    start = time.process_time()
    score = GRADERS[name].grade(text, "18")
    assert score.correct is not True
    assert score.extracted is None or len(score.extracted) <= 200
    assert time.process_time() - start < 3  # a quadratic rule would take hours, measured 0.5 s


def disagreements(rows):
    """gold, extracted and label of those that `lenient` decides otherwise; and the unknown ones."""
    scores = [(gold, GRADERS["lenient"].grade(text, gold), label) for text, gold, label in rows]
    different = [
        (g, s.extracted, x) for g, s, x in scores if s.correct is not None and s.correct != x
    ]
    return different, [(gold, s.extracted) for gold, s, _ in scores if s.correct is None]


def shared_rows(name: str) -> list[dict]:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_lenient_grader_agrees_with_every_label_of_openai():
    rows = [
        (
            solution["solution"],
            row["ground_truth"].rpartition("A:")[2].strip(),
            solution["is_correct"],
        )
        for row in shared_rows("openai_gsm8k_model_solutions.jsonl")
        for solution in row.values()
        if isinstance(solution, dict)
    ]
    assert len(rows) == 5_276
    assert disagreements(rows) == ([], [])


def test_on_qwens_generations_it_differs_in_one_ordinal_and_leaves_one_time_of_day_open():
    rows = [
        (row["code"][0], row["gt"], row["score"][0])
        for row in shared_rows("rg_qwen3b_instruct_gsm8k.jsonl")
    ]
    assert disagreements(rows) == ([("6", "6th", False)], [("2", "2:00 \\text{ pm}")])


def test_on_math_500_it_differs_only_where_the_labels_missed_an_answer_or_the_text_is_cut():
    rows = [
        (row["code"][0], row["answer"], row["score"][0])
        for row in shared_rows("skyt1_27b_math500.jsonl")
    ]
    different, unknown = disagreements(rows)
    # 13 right answers in plain words that the file's own extractor did not find, and row 355
    assert [row for row in different if row[2]] == [("100", "1", True)]
    assert (len(different), len(unknown)) == (14, 104)
