"""Categories that a judge names, beside those of rules."""

import json

from tests.support.evaluation import evaluate
from tests.support.judge import block_in, mark_in, write_rubric
from tests.support.served import chat, serving


def names_a_category(body, tries):
    mark = mark_in(body)
    wrong = "8" in block_in(body)
    category, verdict = ("slip", "incorrect") if wrong else ("none", "correct")
    return chat(f"CATEGORY {mark}: {category}\nVERDICT {mark}: {verdict}")


def test_a_judge_s_categories_stand_apart_and_can_be_listed(say, store, tmp_path):
    evaluate(store, "eval", "sft", ["7", "8", "8", "7"])
    with serving(names_a_category) as server:
        say("judge", "add", write_rubric(tmp_path, server.url, categories=["slip", "unit"]))
        assert say("grade", "eval", "--grader", "judge:check")[0] == 0
    [stage] = json.loads(say("failures", "--run", "eval", "--json")[1])["stages"]
    [(name, share)] = stage["by_judges"].items()
    assert (name, share["value"], share["n"]) == ("judge:check/slip", 0.5, 4)
    assert share["validated"] is False
    assert name not in stage["categories"]
    code, out, _ = say("failures", "--run", "eval")
    assert (code, "named by judge:check, which is not validated" in out) == (0, True)
    _, out, _ = say("failures", "--run", "eval", "--category", name, "--json")
    assert [row["problem_id"] for row in json.loads(out)["rows"]] == ["p1", "p2"]
    code, _, err = say("failures", "--run", "eval", "--category", "judge:check/unit")
    assert (code, "no generation of 'eval' has the category" in err) == (2, True)
