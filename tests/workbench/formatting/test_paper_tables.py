"""A comparison for a document: one sentence, and tables whose cells nothing can break."""

import pytest

from workbench.formatting import comparison_sentence, paper_table
from workbench.formatting.paper_tables import FORMATS


def share(value: float) -> dict:
    return {"value": value, "low": value - 0.05, "high": value + 0.05}


def result(**changes) -> dict:
    row = {"a": share(0.5), "b": share(0.8), "difference": 0.3, "low": 0.2, "high": 0.4, "p": 1e-9}
    row |= {"holm": 0.0401, "fixed": 160, "broken": 10} | changes
    return {"n": 500, "grader": "strict", "metrics": {"answer": row}}


def test_a_sentence_has_the_difference_its_interval_p_and_what_changed():
    assert comparison_sentence(result()) == (
        "Accuracy +30.0 points (+20.0 to +40.0), p < 0.001: 160 of 500 shared problems fixed,"
        " 10 regressed."
    )


def test_a_sentence_says_where_there_may_be_no_change_and_where_nothing_can_be_compared():
    unclear = comparison_sentence(result(low=-0.01, p=0.07))
    assert ", p = 0.070:" in unclear
    assert unclear.endswith("The interval includes no change.")
    assert ", p" not in comparison_sentence(result(p=None))  # several samples a problem
    assert "cannot be compared" in comparison_sentence(result(difference=None))


@pytest.mark.parametrize("form", FORMATS)
def test_no_name_of_a_run_breaks_a_table(form):
    hostile = "a|b & c_d%\n\\x{y} \x1b[31m<b>*"
    lines = paper_table(result(), (hostile, "b"), form).split("\n")
    separator = " | " if form == "markdown" else " & "
    rows = [line for line in lines if "50.0% (45.0 to 55.0)" in line.replace("\\", "")]
    [head] = [line for line in lines if "Regressed" in line]
    assert len(rows) == 1
    assert head.count(separator) == rows[0].count(separator)
    assert "\x1b" not in head
    assert ("\\|" if form == "markdown" else r"\_d\%") in head


def test_a_table_of_latex_is_of_booktabs_with_a_caption_of_n_and_grader():
    lines = paper_table(result(), ("sft", "grpo"), "latex").split("\n")
    assert lines[0] == r"\begin{table}"
    assert lines[-1] == r"\end{table}"
    assert lines[1].startswith(r"\caption{500 shared problems, grader strict; 95 \% intervals")
    assert lines[4] == r"Metric & sft & grpo & Difference & p & p (Holm) & Fixed & Regressed \\"
    assert r"answer & 50.0\% (45.0 to 55.0) & 80.0\% (75.0 to 85.0) & +30.0 points" in lines[6]
