"""Verdicts: golden cases, the notebook's own regexes, hostile texts, and published labels."""

import json
import re
import time
from collections import Counter

import pytest
from hypothesis import given, settings, strategies as st

from data.errors import UserError
from evals.graders import tunix_notebook
from evals.graders.compare import NO_GOLD, WORDS
from evals.graders.rules import GRADERS, Score, grader
from tests import ROOT

CASES = json.loads((ROOT / "tests/golden/verdicts.json").read_text())
SHARED = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module")
def scores() -> dict[str, dict[str, Score]]:
    """Grader -> golden case -> score. Comparing all cases at once is a tenth of the time."""
    return {
        name: {case["case"]: rule.grade(case["text"], case["gold"]) for case in CASES}
        for name, rule in GRADERS.items()
    }


def test_each_golden_case_has_a_name_of_its_own():
    assert len({case["case"] for case in CASES}) == len(CASES) > 250


@pytest.mark.parametrize("name", GRADERS)
def test_each_grader_says_what_the_golden_cases_say(name, scores):
    verdicts = {
        case: [score.format, score.correct, score.partial] for case, score in scores[name].items()
    }
    assert verdicts == {case["case"]: case[name] for case in CASES}


@pytest.mark.parametrize("name", GRADERS)
def test_correct_implies_partial(name, scores):
    golds = {case["case"]: case["gold"] for case in CASES}
    inconsistent = [
        case for case, score in scores[name].items() if score.correct and not score.partial
    ]
    # the notebook divides zero by zero
    assert [case for case in inconsistent if not (name == "notebook" and golds[case] == "0")] == []


@pytest.mark.parametrize("name", ["strict", "lenient"])
def test_an_unknown_verdict_says_why(name, scores):
    unknown = {
        case: score.reason
        for case, score in scores[name].items()
        if score.correct is None or score.partial is None
    }
    assert len(unknown) > 20
    assert all(unknown.values())


def test_a_problem_without_a_gold_is_unknown_not_wrong():
    for name in ("strict", "lenient"):
        score = GRADERS[name].grade("<reasoning>r</reasoning><answer>5</answer>", "")
        assert score == Score(True, "5", None, None, NO_GOLD)


def test_prose_is_not_given_to_the_symbolic_grader_which_reads_its_letters():
    score = GRADERS["lenient"].grade("\\boxed{Navin earns the most of them}", "\\text{Navin}")
    assert (score.correct, score.reason) == (None, WORDS)


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


def shared_rows(name: str) -> list[dict]:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def verdicts_beside_labels(rows) -> dict[int, tuple[bool | None, bool]]:
    """Position -> verdict of `lenient` and label, where the two are not the same."""
    scores = [GRADERS["lenient"].grade(text, gold).correct for text, gold, _ in rows]
    labels = [label for _, _, label in rows]
    both = enumerate(zip(scores, labels, strict=True))
    return {row: (score, label) for row, (score, label) in both if score is not label}


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
    assert verdicts_beside_labels(rows) == {}


def test_on_qwens_generations_it_passes_one_ordinal_and_leaves_one_time_of_day_open():
    rows = [
        (row["code"][0], row["gt"], row["score"][0])
        for row in shared_rows("rg_qwen3b_instruct_gsm8k.jsonl")
    ]
    different = verdicts_beside_labels(rows)
    # "6th" for 6, which is right, and "2:00 pm" for 2
    assert sorted(different.values(), key=str) == [(None, False), (True, False)]


def test_on_math_500_two_verdicts_are_unknown_and_the_rest_hold():
    rows = [
        (row["code"][0], row["answer"], row["score"][0])
        for row in shared_rows("skyt1_27b_math500.jsonl")
    ]
    different = verdicts_beside_labels(rows)
    # cut off within the thought, or after it and before any answer, or within a sum (195)
    assert {row for row, (verdict, _) in different.items() if verdict is False} == {
        *(25, 57, 88, 163, 195, 332, 355, 428)
    }
    # right answers without a box, of which the labels took the last number: read one by one
    assert {row for row, (verdict, _) in different.items() if verdict} == {
        *(28, 73, 113, 122, 144, 179, 207, 218, 227, 278, 279, 284, 313, 338, 360, 376, 393, 399),
        *(416, 447, 455, 492),
    }
    assert {row for row, (verdict, _) in different.items() if verdict is None} == {
        *(363, 398)  # two numbers where one is right; a name in the middle of a sentence
    }


def test_of_math_verifys_own_cases_no_unequal_pair_passes_and_nine_of_ten_equal_ones_do():
    verdicts = Counter(
        (row["expected"], GRADERS["lenient"].grade(row["pred"], row["gold"]).correct)
        for row in shared_rows("math_verify_test_cases.jsonl")
    )
    assert verdicts[0, True] == 0
    # of 230; of two of the others the library reads only a part: 1 + 1/e is not 1 - 1/e
    assert verdicts[1, True] == 216
