"""The symbolic grader: LaTeX and symbols, in a process of its own that has a timeout."""

import os
import signal
import subprocess
import sys

import pytest

from evals.graders.rules import GRADERS
from evals.graders.symbolic import math_verify, worker
from tests import ROOT


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


def test_within_ten_percent_holds_for_numbers_in_symbols_too():
    score = grade(r"\boxed{\sqrt{2}}", r"1.5")
    assert (score.correct, score.partial) == (False, True)


def test_what_takes_too_long_is_ended_and_unknown_and_the_next_answer_is_compared(monkeypatch):
    math_verify.compare_symbols("1", "x")  # the engine is loaded
    monkeypatch.setattr(math_verify, "SECONDS", 1.0)
    score = grade(r"\boxed{9^{9^{9^{9}}}}", "7")
    assert (score.correct, score.reason) == (None, math_verify.TOO_SLOW)
    monkeypatch.undo()
    assert grade(r"\boxed{\frac{2}{4} + y}", r"\frac{1}{2} + y").correct is True


def test_a_busy_machine_is_no_verdict_that_is_remembered(monkeypatch):
    math_verify.compare_symbols("1", "x")  # the engine is loaded
    monkeypatch.setattr(math_verify, "CLOCK_SECONDS", 0.0)
    assert math_verify.compare_symbols("u + 3", "3 + u").reason == math_verify.TOO_SLOW
    monkeypatch.undo()
    assert math_verify.compare_symbols("u + 3", "3 + u").same is True


def test_what_the_library_cannot_handle_is_undecided_and_does_not_end_its_process(monkeypatch):
    def broken(gold, answer):
        raise TypeError("unsupported operand")

    monkeypatch.setattr(worker, "judge", broken)
    verdict = worker.judge_within("1", "2", 5.0)
    assert verdict == (None, None, "the symbolic grader cannot compute with this answer")


def test_an_engine_that_the_machine_kills_is_started_again():
    math_verify.compare_symbols("1", "x")
    engine = math_verify.pid()
    assert engine is not None
    os.kill(engine, signal.SIGKILL)
    assert grade(r"\boxed{z + 1}", "1 + z").correct is True


def test_an_expression_that_ends_its_process_twice_is_unknown(monkeypatch):
    monkeypatch.setattr(
        math_verify, "_receive", lambda connection, seconds: (_ for _ in ()).throw(EOFError)
    )
    assert math_verify.compare_symbols("q + 1", "q + 2") == (None, None, math_verify.TOO_LARGE)


def in_a_script(tmp_path, *lines: str) -> str:
    """What a program prints whose main module must not be run again, as a page of Streamlit's."""
    script = tmp_path / "page.py"
    guard = "if __name__ != '__main__': raise RuntimeError('run again')"
    script.write_text("\n".join([guard, f"import sys; sys.path.insert(0, {str(ROOT)!r})", *lines]))
    return subprocess.check_output([sys.executable, script], text=True)


def test_the_engine_does_not_run_the_main_module_again(tmp_path):
    verdict = "print(math_verify.compare_symbols('x + 1', '1 + x').same)"
    assert (
        in_a_script(tmp_path, "from evals.graders.symbolic import math_verify", verdict) == "True\n"
    )


def test_a_forked_child_has_an_engine_of_its_own(tmp_path):
    answer = in_a_script(
        tmp_path,
        "import os; from evals.graders.symbolic import math_verify",
        "math_verify.compare_symbols('1', 'x'); ours = math_verify.pid()",
        "if os.fork() == 0: print(math_verify.pid()); sys.exit()",
        "os.wait(); print(math_verify.pid() == ours, end=' ')",
        "print(math_verify.compare_symbols('y', 'x + 2').same)",
    )
    assert answer.splitlines() == ["None", "True False"]


def test_a_gold_that_is_no_mathematics_is_unknown_not_wrong():
    score = grade(r"\boxed{7}", "?")
    assert (score.correct, score.partial) == (None, None)
    assert score.reason == math_verify.GOLD_UNREAD
