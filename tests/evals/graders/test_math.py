"""The grader `math`: numbers, LaTeX and symbols, with a timeout."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from evals.graders import math, math_verify
from evals.graders.rules import GRADERS
from tests import ROOT

SHARED = ROOT.parent / "shared" / "data"


def grade(text: str, gold: str):
    return GRADERS["math"].grade(text, gold)


@pytest.fixture(scope="module", autouse=True)
def _one_engine():
    yield
    math_verify.close()


@pytest.mark.parametrize(
    ("answer", "gold", "correct"),
    [
        (r"\frac{1}{2}", "0.5", True),
        (r"\dfrac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}", True),
        ("x + 1", "1 + x", True),
        ("x + 1", "x - 1", False),
        (r"\{1, 2\}", r"\{2, 1\}", True),
        ("(1, 2)", "(2, 1)", False),
        (r"\text{east}", r"\text{east}", True),
        (r"x \in [-2, 7]", "[-2, 7]", True),
        (r"\begin{pmatrix}1&0\\0&1\end{pmatrix}", r"\begin{bmatrix}1&0\\0&1\end{bmatrix}", True),
        ("12 or 13", "12", None),
        ("40%", "0.4", None),
        ("1,200", "1200", True),
    ],
)  # fmt: skip
def test_answers_are_the_same_whatever_their_form(answer, gold, correct):
    assert grade(f"So it is \\boxed{{{answer}}}.", gold).correct is correct


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"\boxed{1} and \boxed{-2}", "1, -2"),
        (r"\boxed{1}, then for the rest \boxed{2}", "2"),
        (r"Hence $x \geq 5$ for all of them.", r"x \geq 5"),
        ("Final Answer: The largest $n$ is 34.", "The largest $n$ is 34"),
        ("The final answer is $10,455$. I hope it is correct.", "$10,455$"),
        ("I paid $5 and got $6", "$6"),
        ("nothing at all", None),
    ],
)
def test_the_answer_is_what_boxes_announcements_and_formulas_mark(text, answer):
    assert math.find_answer(text, "7") == (answer, None)


def test_within_ten_percent_holds_for_numbers_in_symbols_too():
    score = grade(r"\boxed{\sqrt{2}}", r"1.5")
    assert (score.correct, score.partial) == (False, True)


def test_what_takes_too_long_is_ended_and_unknown_and_the_next_answer_is_compared(monkeypatch):
    math_verify.compare("1", "x")  # the engine is loaded
    monkeypatch.setattr(math_verify, "SECONDS", 1.0)
    score = grade(r"\boxed{9^{9^{9^{9}}}}", "7")
    assert (score.correct, score.reason) == (None, math_verify.TOO_SLOW)
    monkeypatch.undo()
    assert grade(r"\boxed{\frac{2}{4} + y}", r"\frac{1}{2} + y").correct is True


def test_an_engine_that_the_machine_kills_is_started_again():
    math_verify.compare("1", "x")
    engine = math_verify.pid()
    assert engine is not None
    os.kill(engine, signal.SIGKILL)
    assert grade(r"\boxed{z + 1}", "1 + z").correct is True


def test_an_expression_that_ends_its_process_twice_is_unknown(monkeypatch):
    monkeypatch.setattr(
        math_verify, "_receive", lambda connection, seconds: (_ for _ in ()).throw(EOFError)
    )
    assert math_verify.compare("q + 1", "q + 2") == (None, None, math_verify.TOO_LARGE)


def in_a_script(tmp_path, *lines: str) -> str:
    """What a program prints whose main module must not be run again, as a page of Streamlit's."""
    script = tmp_path / "page.py"
    guard = "if __name__ != '__main__': raise RuntimeError('run again')"
    script.write_text("\n".join([guard, f"import sys; sys.path.insert(0, {str(ROOT)!r})", *lines]))
    return subprocess.check_output([sys.executable, script], text=True)


def test_the_engine_does_not_run_the_main_module_again(tmp_path):
    verdict = "print(math_verify.compare('x + 1', '1 + x').same)"
    assert in_a_script(tmp_path, "from evals.graders import math_verify", verdict) == "True\n"


def test_a_forked_child_has_an_engine_of_its_own(tmp_path):
    answer = in_a_script(
        tmp_path,
        "import os; from evals.graders import math_verify",
        "math_verify.compare('1', 'x'); ours = math_verify.pid()",
        "if os.fork() == 0: print(math_verify.pid()); sys.exit()",
        "os.wait(); print(math_verify.pid() == ours, math_verify.compare('y', 'x + 2').same)",
    )
    assert answer.splitlines() == ["None", "True False"]


def test_a_gold_that_is_no_mathematics_is_unknown_not_wrong():
    score = grade(r"\boxed{7}", "?")
    assert (score.correct, score.partial) == (None, None)
    assert score.reason == math_verify.GOLD_UNREAD


def rows(name: str) -> list[dict]:
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_on_qwens_generations_it_differs_in_the_label_of_one_ordinal():
    different = [
        (row["gt"], grade(row["code"][0], row["gt"]).extracted)
        for row in rows("rg_qwen3b_instruct_gsm8k.jsonl")
        if grade(row["code"][0], row["gt"]).correct != row["score"][0]
    ]
    assert different == [("6", "6th")]


def test_of_math_verifys_own_cases_no_unequal_pair_passes_and_nine_of_ten_equal_ones_do():
    verdicts = Counter(
        (row["expected"], grade(row["pred"], row["gold"]).correct)
        for row in rows("math_verify_test_cases.jsonl")
    )
    assert verdicts[0, True] == 0
    assert verdicts[1, True] == 214  # of 230


def test_on_math_500_every_verdict_but_four_is_the_label_or_a_right_answer_that_it_missed():
    different = {
        row["idx"]: grade(row["code"][0], row["answer"]).correct
        for row in rows("skyt1_27b_math500.jsonl")
        if grade(row["code"][0], row["answer"]).correct != row["score"][0]
    }
    # texts without a box, of which the labels took the last number: read one by one, all are right
    missed = {28, 34, 73, 113, 122, 144, 179, 207, 276, 278, 284, 360, 376, 381, 393, 416, 444}
    missed |= {447, 455}
    assert {idx for idx, correct in different.items() if correct} == missed
    # cut off before any answer (332, 355), or it is a word of the prose (97, 398, and others)
    assert {idx for idx, correct in different.items() if correct is False} == {332, 355}
    assert len(different) == 26
