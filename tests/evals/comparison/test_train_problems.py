"""Answers to train problems are named as such, also where they were imported."""

import json

import pytest

from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from evals.comparison.compare import compare, stages
from evals.comparison.train_problems import train_problem_ids
from evals.comparison.transitions import transitions
from tests.support.imported import import_rows
from workbench.lookup import default_runs, list_runs

TRAIN = [
    ("Ann has 1,200 half-price apples and eats 3. How many are left?", "1197"),
    ("What is 3 + 4?", "7"),
    ("Is it in both?", "5"),
]
TEST = [("Is it in  both?", "5"), ("What is 3 - 4?", "-1")]


@pytest.fixture
def problems(store, tmp_path):
    """A source with a train and a test split, which have a problem in common."""
    folder = tmp_path / "source"
    folder.mkdir()
    for split, rows in (("train", TRAIN), ("test", TEST)):
        lines = [json.dumps({"question": q, "answer": f"it is\n#### {gold}"}) for q, gold in rows]
        (folder / f"{split}.jsonl").write_text("\n".join(lines))
    ingest(store, "gsm8k", folder)
    convert_source(store, "gsm8k")
    return store


@pytest.mark.parametrize(
    ("question", "is_train"),
    [
        (TRAIN[0][0], True),
        ("  ann has 1200 half price APPLES, and eats 3: how many are left ", True),
        ("Ann has 1,300 half-price apples and eats 3. How many are left?", False),
        ("What is 3 + 4?", True),
        ("what is 3+4", True),
        ("What is 3 - 4?", False),
        ("What is 3 * 4?", False),
        ("Is it in both?", False),
        ("An own question?", False),
        ("?!", False),
    ],
)
def test_an_imported_problem_is_a_train_problem_if_a_train_split_alone_has_its_words(
    problems, tmp_path, question, is_train
):
    import_rows(problems, tmp_path, "m", {"question": question})
    assert len(train_problem_ids(problems, "m") or ()) == is_train
    assert stages(problems, ["m"], "lenient")[0]["train_problems"] is is_train


@pytest.fixture
def imported(problems, tmp_path):
    """Runs that answered: whole train problems only, part one of two, none no train problem."""
    apples, sums = ({"problem_id": str(n), "question": TRAIN[n][0], "gold": TRAIN[n][1]}
                    for n in range(2))  # fmt: skip
    other = {"problem_id": "o", "question": "An own question?"}
    summaries = [
        import_rows(problems, tmp_path, name, *rows)
        for name, rows in (("whole", [apples, sums]), ("part", [apples, other]), ("none", [other]))
    ]
    assert [summary.get("train_problems") for summary in summaries] == [2, 1, None]
    return problems


def test_stages_comparisons_and_transitions_name_and_count_them(imported):
    rows = stages(imported, ["whole", "part", "none"], "lenient")
    assert [(row["train_problems"], row["train_problem_count"]) for row in rows] == [
        (True, 2), (True, 1), (False, 0)
    ]  # fmt: skip
    for value in (compare(imported, "whole", "part", "lenient"),
                  transitions(imported, ["whole", "part"], "lenient")):  # fmt: skip
        assert value["train_problems"] == ["whole", "part"]
        assert value["train_problem_counts"] == {"whole": (2, 2), "part": (1, 2)}


def test_what_is_chosen_by_itself_and_the_list_of_runs_tell_them_apart(imported, tmp_path):
    for name in ("c", "d"):
        import_rows(imported, tmp_path, name)
    assert default_runs(imported) == ["none", "c", "d"]
    counts = {row["run"]: row["train_problems"] for row in list_runs(imported, "import")["runs"]}
    assert counts == {"whole": 2, "part": 1, "none": None, "c": None, "d": None}


def test_a_train_split_that_comes_later_counts_too(store, tmp_path, request):
    import_rows(store, tmp_path, "m", {"question": TRAIN[0][0]})
    assert train_problem_ids(store, "m") == set()
    request.getfixturevalue("problems")
    assert train_problem_ids(store, "m") == {"p1"}


def test_each_stage_of_an_import_counts_its_own(problems, tmp_path):
    train, other = ({"question": q, "stage": q[:3]} for q in (TRAIN[0][0], "An own question?"))
    import_rows(problems, tmp_path, "m", train, other | {"problem_id": "o"})
    rows = stages(problems, ["m"], "lenient")
    assert {row["stage"]: row["train_problem_count"] for row in rows} == {"Ann": 1, "An": 0}
