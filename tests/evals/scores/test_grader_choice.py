"""Which graders fit an import, and by which runs are shown where nobody names one."""

import json
from pathlib import Path

import pytest

from data.response_format import render
from data.store import runs
from data.store.store import Store, ask
from evals.comparison.compare import compare
from evals.graders import DEFAULT_GRADER
from evals.imports.import_file import import_file
from evals.scores.grader_choice import default_grader, fitting_graders, ungraded_runs
from tests.support.store_rows import scored

BOXED, FORMATTED = r"So \boxed{7}.", render("3 + 4", "7")


def imported(store: Store, tmp_path: Path, name: str, text: str, gold: str = "7") -> str:
    row = {"problem_id": "p", "question": "3 + 4?", "gold": gold, "text": text}
    (tmp_path / name).write_text(json.dumps(row))
    import_file(store, tmp_path / name, name)
    return name


def evaluated(store: Store, run: str, kind: str = "eval") -> str:
    runs.begin(store, kind, run=run, stage="sft", config={}, seed=0, inputs={})
    for grader in ("strict", "lenient", "notebook"):
        scored(store, run, {"p": True}, grader=grader)
    runs.end(store, run, "done", {})
    return run


@pytest.mark.parametrize(
    ("texts", "golds", "expected"),
    [
        ([BOXED], ["7"], ("lenient",)),
        ([FORMATTED], ["7"], ("strict", "lenient")),
        ([FORMATTED, BOXED], ["7", "7"], ("strict", "lenient")),
        ([FORMATTED, BOXED, BOXED], ["7"] * 3, ("lenient",)),
        ([BOXED], [r"\sqrt{2}"], ("math", "lenient")),
        ([BOXED, BOXED], ["7", "x + 1"], ("math", "lenient")),
        ([FORMATTED], ["(1, 2)"], ("strict", "math", "lenient")),
        (["7"], ["B"], ("math", "lenient")),
        (["7"], ["1,234.5"], ("lenient",)),
    ],
)
def test_graders_fit_the_texts_and_the_reference_answers(texts, golds, expected):
    assert fitting_graders(texts, golds) == expected


@pytest.mark.parametrize(
    ("text", "gold", "graders"),
    [
        (BOXED, "7", {"lenient", "strict"}),
        (BOXED, r"\sqrt{2}", {"lenient", "strict", "math"}),
        (FORMATTED, "7", {"lenient", "strict"}),
    ],
)
def test_an_import_is_graded_by_what_fits_and_by_the_default(store, tmp_path, text, gold, graders):
    imported(store, tmp_path, "theirs", text, gold)
    assert set(ask(store, "select grader from scores")["grader"]) == graders
    assert ungraded_runs(store, DEFAULT_GRADER) == []


def test_runs_are_shown_by_a_grader_that_graded_all_and_fits_the_imports(store, tmp_path):
    own = evaluated(store, "eval-own")
    boxed = imported(store, tmp_path, "boxed", BOXED)
    symbolic = imported(store, tmp_path, "symbolic", BOXED, r"\sqrt{2}")
    ours = imported(store, tmp_path, "ours", FORMATTED)
    shown = {
        (own,): "strict",
        (boxed,): "lenient",
        (symbolic,): "math",
        (ours,): "strict",
        (own, boxed): "lenient",
        (own, ours): "strict",
        (boxed, symbolic): "lenient",
        (f"{boxed}/import", own): "lenient",
        (): "strict",
        ("nothing",): "strict",
        (boxed, "nothing"): "strict",
    }
    assert {names: default_grader(store, names) for names in shown} == shown


def test_an_import_of_an_older_version_is_shown_by_the_grader_that_it_has(store):
    runs.begin(store, "import", run="old", config={"grader": "lenient"}, seed=None, inputs={})
    scored(store, "old", {"p": True}, grader="lenient")
    runs.end(store, "old", "done", {})
    assert default_grader(store, ["old"]) == "lenient"
    assert ungraded_runs(store, "strict") == ["old"]


def test_two_imports_can_be_compared_without_naming_a_grader(store, tmp_path):
    names = imported(store, tmp_path, "a", BOXED), imported(store, tmp_path, "b", "It is 8")
    value = compare(store, *names, default_grader(store, names))
    assert (value["grader"], value["metrics"]["answer"]["broken"]) == ("lenient", 1)


@pytest.mark.parametrize("kind", ["eval", "eval-train"])
def test_an_evaluation_that_a_grader_has_not_graded_is_named_whatever_it_answered(store, kind):
    evaluated(store, "r", kind)
    assert ungraded_runs(store, "math") == ["r"]
    assert ungraded_runs(store, "strict") == []
    assert default_grader(store, ["r"]) == DEFAULT_GRADER
