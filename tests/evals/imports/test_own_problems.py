"""An import has its own problems: it is graded by them, whatever becomes of other runs."""

import json
from functools import partial
from unicodedata import normalize

import pytest

from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import runs
from data.store.store import ask
from evals.audit.verify import verify
from evals.comparison.compare import compare
from evals.imports.problem_ids import Stored, problem_ids
from evals.scores import grade_missing, problems_of_split
from tests.support.imported import import_rows


@pytest.fixture
def imported(store, tmp_path):
    """Imports rows as a run."""

    return partial(import_rows, store, tmp_path)


def graded_by(store, run):
    """The question and the reference answer of each generation; all graders agree with them."""
    grade_missing(store, run, "math")
    assert verify(store, run)["verified"]
    query = "select question, gold from answered_generations where run = $run order by all"
    return ask(store, query, run=run).rows()


def train_problem(store, tmp_path, name="train.jsonl"):
    path = tmp_path / name
    path.write_text(json.dumps({"question": "3 + 4?", "answer": "3 + 4 is 7\n#### 7"}))
    ingest(store, "gsm8k", path)
    convert_source(store, "gsm8k")


@pytest.mark.parametrize("deleted", ["a", "b"])
def test_either_of_two_imports_of_one_problem_may_be_deleted(store, imported, deleted):
    imported("a")
    imported("b", {"text": "The answer is 8"})
    runs.delete(store, deleted)
    assert graded_by(store, {"a": "b", "b": "a"}[deleted]) == [("3 + 4?", "7")]


def test_the_problem_of_a_deleted_conversion_stays_with_its_import(store, imported, tmp_path):
    train_problem(store, tmp_path)
    imported("a")
    [conversion] = ask(store, "select run from runs where kind = 'convert'")["run"]
    runs.delete(store, conversion)
    assert graded_by(store, "a") == [("3 + 4?", "7")]


def test_its_answer_is_its_own_where_the_id_has_another_elsewhere(store, imported):
    imported("x", {"problem_id": "p2"})
    imported("y", {"gold": "8"})
    imported("z")
    runs.delete(store, "x")
    imported("w", {"problem_id": "p2", "gold": "9"})
    golds = {run: graded_by(store, run) for run in "yzw"}
    assert golds == {run: [("3 + 4?", gold)] for run, gold in zip("yzw", "879", strict=True)}


def test_a_run_that_is_restored_beside_another_with_its_id_is_graded_by_its_own(store, imported):
    imported("a")
    runs.delete(store, "a")
    imported("y", {"question": "9 - 1?", "gold": "8"})
    runs.restore(store, "a")
    assert graded_by(store, "a") == [("3 + 4?", "7")]
    assert graded_by(store, "y") == [("9 - 1?", "8")]


@pytest.mark.parametrize("gold", ["7.0", "#### 7", "\\boxed{7}", "$7$", " 7 ", "3 + 4 = 7\n#### 7"])
def test_a_problem_is_the_same_however_its_number_is_written(store, imported, gold):
    imported("a")
    imported("b", {"problem_id": "q", "gold": gold, "question": " 3 +\t4? "})
    assert compare(store, "a", "b", "lenient")["n"] == 1
    [(_, own)] = graded_by(store, "b")
    assert own.strip() == gold.rpartition("####")[2].strip()


@pytest.mark.parametrize("gold", ["8", "7 (mod 9)", "70%", "", "7 or 8", "A"])
def test_another_reference_answer_is_another_problem(store, imported, gold):
    imported("a")
    imported("b", {"gold": gold})
    ids = ask(store, "select distinct problem_id from generations")["problem_id"]
    assert len(ids) == 2


def test_within_a_file_a_problem_is_one_however_its_rows_write_it(store, imported):
    rows = [{"sample": 0}, {"sample": 1, "gold": "7.0"}, {"sample": 1, "gold": "#### 7"}]
    summary = imported("a", *rows, {"stage": "other", "gold": "7."})
    assert (summary["read"], summary["imported"], summary["rejected"]) == (4, 3, 1)
    assert set(graded_by(store, "a")) == {("3 + 4?", "7")}
    assert compare(store, "a/import", "a/other", "lenient")["n"] == 1


def test_train_problems_stay_train_problems_when_an_import_answers_them(store, imported, tmp_path):
    train_problem(store, tmp_path)
    imported("after")
    assert ask(store, "select split, source from problem_texts").rows() == [("train", "gsm8k")]
    rows = ask(store, "select split, source from current_problems").rows()
    assert rows == [("train", "gsm8k")]


def test_a_letter_with_its_accent_apart_is_that_letter(store, imported):
    questions = (normalize(form, "Combien co\u00fbte le caf\u00e9?") for form in ("NFC", "NFD"))
    for name, question in zip("ab", questions, strict=True):
        imported(name, {"question": question, "problem_id": f"of {name}"})
    assert compare(store, "a", "b", "lenient")["n"] == 1


def test_the_problems_of_an_import_are_not_those_of_a_source_of_its_name(store, imported, tmp_path):
    train_problem(store, tmp_path, "test.jsonl")
    imported("gsm8k", {"question": "9 - 1?", "gold": "8"})
    usable = problems_of_split(store, "gsm8k", "test").usable
    assert usable["question"].to_list() == ["3 + 4?"]


def test_no_two_problems_of_a_file_get_one_id():
    problems = [("p", "q", str(n)) for n in range(4)] + [("p-1", "q", "0"), ("p", "q", "0.0")]
    stored: list[Stored] = [("p", "q", "1"), ("x", "q", "0"), ("y", "other", "2")]
    ids = problem_ids(problems, [], stored)
    assert len(set(ids.values())) == len(problems)
    assert ids["p", "q", "1"] == "p"
    assert ids["p", "q", "0"] == "x"
    assert problem_ids(problems, [(ids[p], *p[1:]) for p in problems], stored) == ids
