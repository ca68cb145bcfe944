"""One question to several models: each answers as an evaluation would ask it."""

import json

from data.store import ask
from data.store.store import open_store
from tests.support.served import answer_to, chat, serving, streamed

FEW_TOKENS = ("--max-tokens", "8", "--max-prompt-tokens", "96", "--preset", "tiny")
SUM = "What is 2 + 3?"
HOSTILE = "<reasoning>\x1b[2J\u202er</reasoning>\n<answer>5</answer>"


def test_two_models_answer_the_same_question_beside_each_other(say, few, tmp_path):
    words = ("--run", few, "--model", few, "--gold", "5", "--samples", "2", *FEW_TOKENS)
    code, printed, errors = say("ask", SUM, *words, "--keep", "--json")
    assert code == 0, errors
    value = json.loads(printed)
    assert (value["question"], value["gold"]) == (SUM, "5")
    answers = value["answers"]
    assert [answer["model"] for answer in answers] == [str(few)] * 4
    assert [answer["sample"] for answer in answers] == [0, 1, 0, 1]
    assert all(0 < answer["tokens"] <= 8 for answer in answers)
    assert {answer["correct"] for answer in answers} <= {True, False, None}
    # equal models sample the same texts, and the two samples of one differ
    assert answers[:2] == answers[2:]
    assert answers[0]["text"] != answers[1]["text"]
    [run, again] = value["runs"]  # the same answers of the same model are one run
    assert run == again
    stored = ask(
        open_store(tmp_path / "store"), "select text, seed from generations order by sample"
    )
    assert stored.rows() == [(answer["text"], answer["seed"]) for answer in answers[:2]]


def test_a_model_that_is_not_there_is_named(say):
    code, _, errors = say("ask", SUM, "--run", "nobody")
    assert code == 2
    assert "no model 'nobody'" in errors


def test_served_models_answer_and_what_is_kept_is_graded_compared_and_traced(say, tmp_path):
    def reply(body, tries):
        if body["model"] == "sour":
            return chat("<reasoning>r</reasoning>\n<answer>6</answer>")
        return streamed(HOSTILE)

    with serving(reply) as running:
        words = ("--server", running.url, "--model", "sweet", "--model", "sour", "--answer", "5")
        code, printed, errors = say("ask", SUM, *words, "--keep", *FEW_TOKENS)
    assert code == 0, errors
    assert "\x1b" not in printed
    assert "\u202e" not in printed
    assert printed.index("<answer>5</answer>") < printed.index("sour")
    assert printed.count("<answer>6</answer>") == 1
    store = open_store(tmp_path / "store")
    rows = ask(
        store,
        "select run, text, correct from generations join scores using (run, generation_id)"
        " where grader = 'strict' order by correct",
    ).rows()
    assert [row[1:] for row in rows] == [
        ("<reasoning>r</reasoning>\n<answer>6</answer>", False),
        (f"{HOSTILE} ", True),
    ]
    sour, sweet = (row[0] for row in rows)
    assert f"Kept as the run {sweet}" in printed
    code, compared, errors = say("compare", sour, sweet, "--json")
    assert code == 0, errors
    assert json.loads(compared)["metrics"]["answer"]["fixed"] == 1
    generation = ask(store, "select generation_id from generations where run = $r", r=sour).item()
    code, traced, errors = say("lineage", generation, "--json")
    assert code == 0, errors
    assert '"model": "sour"' in traced
    assert say("grade", "--run", sour, "--grader", "math")[0] == 0


def test_a_stored_problem_is_asked_by_its_id_and_graded_by_its_reference_answer(say, tmp_path):
    with serving() as running:
        words = ("--server", running.url, "--model", "m", *FEW_TOKENS, "--keep", "--json")
        code, printed, errors = say("ask", SUM, "--answer", "5", *words)
        assert code == 0, errors
        [problem] = ask(open_store(tmp_path / "store"), "select problem_id from problems").rows()
        code, printed, errors = say("ask", "--problem", problem[0], *words, "--seed", "7")
    assert code == 0, errors
    value = json.loads(printed)
    assert (value["question"], value["gold"]) == (SUM, "5")
    assert value["answers"][0]["text"] == answer_to(running.bodies[1])
    problems = ask(open_store(tmp_path / "store"), "select distinct problem_id from generations")
    assert problems.rows() == [problem]


def test_what_cannot_be_asked_is_refused_with_the_reason(say):
    for words, reason in (
        (("ask", "--run", "tiny"), "expected a question"),
        (("ask", " ", "--run", "tiny"), "the question is empty"),
        (("ask", SUM, "--server", "http://127.0.0.1:9/v1"), "the name of a model on the server"),
        (("ask", SUM, "--api-key-env", "KEY"), "--api-key-env is about a server"),
        (("ask", "--problem", "nothing", "--server", "http://127.0.0.1:9/v1", "--model", "m"),
         "the store has no problem 'nothing'"),
        (("ask", SUM, "--server", "http://127.0.0.1:9/v1", "--model", "m"),
         "http://127.0.0.1:9/v1 cannot be reached"),
    ):  # fmt: skip
        code, _, errors = say(*words)
        assert (code, reason in errors) == (2, True), (words, errors)
