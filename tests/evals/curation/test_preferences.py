"""Preference pairs and KTO rows: who is paired with whom, and that all others are counted."""

import pytest

from data.store import Store, add, add_generations, runs
from evals.curation.preferences import kto_rows, preference_rows, sampled
from tests.support.store_rows import rows_of


def text(answer: str, reasoning: str = "so") -> str:
    return f"<reasoning>{reasoning}</reasoning>\n<answer>{answer}</answer>"


ANSWERS = {
    "p": [text("4"), text("4", "longer"), text("4"), text("5"), "5", text("9")],
    "q": [text("4"), text("4", "longer")],  # nothing incorrect
    "t": [text("4"), text("5")],  # of a test split
    "r": [text("5")],  # no problem of the subset
}


@pytest.fixture
def answered(store: Store) -> Store:
    names = ["p", "q", "t", "r"]
    problems = rows_of("problems", problem_id=names, source=["s"] * 4, question=["2 + 2?"] * 4,
                       gold=["4"] * 4, split=["train", "train", "test", "train"])  # fmt: skip
    add(store, "problems", problems, run="c")
    runs.begin(store, "eval-train", run="e", stage="s", config={}, seed=0, inputs={})
    ids, of, texts = [], [], []
    for problem, written in ANSWERS.items():
        for number, one in enumerate(written):
            ids.append(f"{problem}{number}")
            of.append(problem)
            texts.append(one)
    n = len(ids)
    common = {"generation_id": ids, "problem_id": of, "sample": list(range(n))}
    add_generations(
        store,
        rows_of("generations", **common, text=texts),
        rows_of("scores", **common, grader=["strict"] * n, correct=[None] * n),
        run="e",
        stage="s",
    )
    runs.end(store, "e", "done", {})
    return store


def pairs(store: Store, per_problem: int, margin: float = 0.0):
    answers = sampled(store, ["e"], ["p", "q", "t"])
    rows = list(preference_rows(answers, per_problem, margin))
    texts = [
        (row["id"], row["chosen"][0]["content"], row["rejected"][0]["content"]) for row in rows
    ]
    return texts, {reason: n for reason, n in answers.left_out.items() if n}


def test_the_best_correct_answer_stands_beside_the_best_incorrect_one(answered):
    texts, left_out = pairs(answered, 1)
    assert texts == [("p", text("4"), text("5"))]
    assert left_out == {
        "answers to other problems": 3,  # two to a test problem, one to a problem left out
        "answers that are there already": 1,
        "problems with fewer than a correct and an incorrect answer": 1,
        "pairs beyond those of a problem": 1,
    }


def test_no_answer_is_in_two_pairs(answered):
    texts, _ = pairs(answered, 9)
    assert texts == [("p", text("4"), text("5")), ("p", text("4", "longer"), text("9"))]


def test_pairs_below_the_least_margin_are_counted(answered):
    texts, left_out = pairs(answered, 9, margin=0.9)
    assert texts == []
    assert left_out["pairs below the least margin"] == 2


def test_kto_rows_carry_their_verdict_as_label(answered):
    answers = sampled(answered, ["e"], ["p", "q"])
    rows = [
        (row["id"], row["completion"][0]["content"], row["label"]) for row in kto_rows(answers, 1)
    ]
    assert rows == [("p", text("4"), True), ("p", text("5"), False), ("q", text("4"), True)]
    assert answers.left_out["answers beyond those of a problem"] == 4
