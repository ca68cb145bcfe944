"""One question to several models: each answers as an evaluation would ask it."""

import json

FEW_TOKENS = ("--max-tokens", "8", "--max-prompt-tokens", "96", "--preset", "tiny")


def test_two_models_answer_the_same_question_beside_each_other(say, few, tmp_path):
    words = ("--run", few, "--run", few, "--gold", "5", "--samples", "2", *FEW_TOKENS)
    code, printed, errors = say("ask", "What is 2 + 3?", *words, "--json")
    assert code == 0, errors
    value = json.loads(printed)
    assert (value["question"], value["gold"]) == ("What is 2 + 3?", "5")
    answers = value["answers"]
    assert [answer["model"] for answer in answers] == [str(few)] * 4
    assert all(0 < answer["tokens"] <= 8 for answer in answers)
    assert {answer["correct"] for answer in answers} <= {True, False, None}
    # equal models sample the same texts, and the two samples of one differ
    assert answers[:2] == answers[2:]


def test_a_model_that_is_not_there_is_named(say):
    code, _, errors = say("ask", "What is 2 + 3?", "--run", "nobody")
    assert code == 2
    assert "no model 'nobody'" in errors
