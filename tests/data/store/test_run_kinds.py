"""Kinds of runs: they stand in the schema, and every question binds them."""

import re

import pytest

from data.store.schema import (
    ANSWERS,
    EVALUATIONS,
    HELD_OUT_ANSWERS,
    is_evaluation,
    name_of_kind,
)
from tests.data.store.test_questions import modules

LITERAL = re.compile(r"""\bkind\b[^\n"]{0,20}(?:=|\bin\b)[^\n]{0,40}['"]eval|['"]eval-train['"]""")


def test_no_module_lists_the_kinds_of_evaluations_itself():
    assert [name for name, text in modules().items() if LITERAL.search(text)] == []
    assert LITERAL.search("where kind in ('eval', 'import')")
    assert LITERAL.search('if run.kind == "eval":')


@pytest.mark.parametrize(
    ("kind", "evaluation", "name"),
    [("eval", True, "eval"), ("eval-train", True, "eval"), ("import", False, "import"),
     ("sft", False, "sft"), ("evaluate", False, "evaluate")],
)  # fmt: skip
def test_both_evaluations_are_evaluations(kind, evaluation, name):
    assert (is_evaluation(kind), name_of_kind(kind)) == (evaluation, name)


def test_train_problems_and_questions_of_a_person_are_no_held_out_answers():
    assert set(ANSWERS) - set(HELD_OUT_ANSWERS) == {"eval-train", "playground"}
    assert set(EVALUATIONS) < set(ANSWERS)
