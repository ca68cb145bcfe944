"""Answers to train problems: they give pass rates and reasoning, and no held-out score."""

import json

import pytest

from data.sources.samples.word_problems import gsm8k_rows
from data.store.runs import state
from data.store.store import ask
from pipeline.config import BadConfig
from tests.support.served import serving
from workbench.lookup import changed_preset, default_runs, finished_evaluations

N = 6
TWO = ("--samples", "2")


@pytest.fixture
def problems(tmp_path):
    folder = tmp_path / "sums"
    folder.mkdir()
    for split, seed in (("train", 1), ("test", 0)):
        rows = gsm8k_rows(N, seed, split)
        (folder / f"{split}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return folder


@pytest.fixture
def evaluate(say, problems):
    """Run `eval` of a served model on the problems: the object of --json, and standard error."""

    def evaluate(*more: str):
        with serving() as server:
            served = ("--served", server.url, "--model", "m", "--retries", "0")
            code, out, err = say("eval", *served, "--problems", problems, *more, "--json")
        assert code == 0, err
        return json.loads(out), err

    return evaluate


def splits(store, run: str) -> set[str]:
    query = "select distinct split from generations join problems using (problem_id) where run = $r"
    return set(
        ask(store, query.replace("where run", "where generations.run"), r=run)["split"].to_list()
    )


def test_answers_to_train_problems_are_never_a_held_out_score(evaluate, here):
    on_test, _ = evaluate()
    on_train, err = evaluate("--split", "train", *TWO)
    assert "Sampling 2 answers to each problem at temperature 1." in err
    assert (splits(here, on_test["run"]), splits(here, on_train["run"])) == ({"test"}, {"train"})
    run = state(here, on_train["run"])
    assert run
    assert (run["kind"], run["stage"]) == ("eval-train", "served-train")
    assert on_train["generations"] == 2 * N
    assert finished_evaluations(here)["run"].to_list() == [on_test["run"]]
    assert default_runs(here) == [on_test["run"]]


def test_pass_rates_of_train_problems_choose_those_that_teach(evaluate, say):
    value, _ = evaluate("--split", "train", "--samples", "8")
    code, out, err = say(
        "subset", "new", "mid", "--of", "problems", "--run", value["run"],
        "--where", "pass_rate > 0 and pass_rate < 1", "--json",
    )  # fmt: skip
    assert code == 0, err
    chosen = json.loads(out)
    assert 0 < chosen["n"] <= N
    again, _ = evaluate("--problem-subset", "mid", "--limit", "1")
    assert (again["generations"], again["stages"][0]["stage"]) == (1, "served-train")


def test_a_subset_of_the_preset_or_of_set_is_answered_too(evaluate, say, tmp_path):
    value, _ = evaluate("--split", "train")
    code, _, err = say("subset", "new", "all", "--of", "problems", "--run", value["run"])
    assert code == 0, err
    again, err = evaluate("--set", "data.problem_subset=all", "--limit", "2")
    assert (again["generations"], again["stages"][0]["stage"]) == (2, "served-train")
    assert "Answering the subset all of train problems" in err
    preset = tmp_path / "mine.toml"
    preset.write_text("like = 'tiny'\n[data]\nproblem_subset = 'all'\n")
    again, _ = evaluate("--preset", preset, "--limit", "3")
    assert (again["generations"], again["stages"][0]["stage"]) == (3, "served-train")
    on_test, _ = evaluate("--preset", preset, "--set", "data.problem_subset=", "--limit", "3")
    assert on_test["stages"][0]["stage"] == "served"


def test_a_subset_beside_problems_of_another_source_is_refused(evaluate, say, tmp_path):
    value, _ = evaluate("--split", "train")
    code, _, err = say("subset", "new", "all", "--of", "problems", "--run", value["run"])
    assert code == 0, err
    for words in (("--problems", "samples-gsm8k"), ("--set", "data.problems=samples-gsm8k")):
        served = ("--served", "http://localhost:1", "--model", "m")
        code, _, err = say("eval", *served, *words, "--problem-subset", "all")
        assert (code, "those of samples-gsm8k, and the subset all@1 holds" in err) == (2, True), err


@pytest.mark.parametrize(
    "words",
    [
        ("--split", "test", "--problem-subset", "mid"),
        ("--split", "test", "--set", "data.problem_subset=mid"),
        ("--set", "eval.split=test", "--problem-subset", "mid"),
    ],
)
def test_the_test_split_and_a_subset_of_train_problems_are_refused_together(say, words):
    code, _, err = say("eval", *words)
    assert code == 2
    assert "the split is test, and the subset mid holds train problems" in err


def test_tables_say_that_answers_are_to_train_problems(evaluate, say, problems):
    with serving() as server:
        served = ("--served", server.url, "--model", "m", "--problems", problems)
        _, out, _ = say("eval", *served, "--split", "train")
    assert "served-train (train problems)" in out
    assert "answers to train problems, so pass rates and no held-out scores." in out
    first, _ = evaluate("--split", "train", "--limit", "4")
    second, _ = evaluate("--split", "train", "--limit", "5")
    on_test, _ = evaluate()
    assert [row["train_problems"] for row in (*first["stages"], *on_test["stages"])] == [
        True,
        False,
    ]
    for verb in ("compare", "transitions"):
        _, out, _ = say(verb, first["run"], second["run"], "--json")
        assert json.loads(out)["train_problems"] == [first["run"], second["run"]]
        _, out, _ = say(verb, first["run"], second["run"])
        assert f"{first['run']}, {second['run']}: answers to train problems" in out


def test_the_compare_page_says_that_answers_are_to_train_problems(evaluate, show):
    first, _ = evaluate("--split", "train", "--limit", "4")
    second, _ = evaluate("--split", "train", "--limit", "5")
    page = show("compare", a=first["run"], b=second["run"])
    [warning] = page.warning
    assert "answers to train problems" in warning.value


def test_right_answers_of_a_teacher_become_records_with_its_reasoning(evaluate, say, here):
    value, _ = evaluate("--split", "train", "--samples", "8")
    code, _, err = say("subset", "own", "teacher", "--run", value["run"], "--json")
    assert code == 0, err
    assert "I think of" in " ".join(ask(here, "select body from records")["body"].to_list())


def test_a_model_of_this_machine_answers_train_problems(say, few, problems, here):
    small = ("--limit", "2", "--max-tokens", "4", "--batch", "2", "--model", few)
    code, out, err = say("eval", "--split", "train", "--problems", problems, *small, *TWO, "--json")
    assert code == 0, err
    value = json.loads(out)
    assert (value["generations"], value["stages"][0]["stage"]) == (4, "base-train")
    assert splits(here, value["run"]) == {"train"}
    assert finished_evaluations(here).is_empty()


def test_a_temperature_that_is_set_is_kept(evaluate, here):
    value, err = evaluate("--split", "train", *TWO, "--temperature", "0.5")
    assert "at temperature 0.5." in err
    run = state(here, value["run"])
    assert run
    assert run["config"]["temperature"] == 0.5


@pytest.mark.parametrize(
    ("flags", "assignments", "temperature"),
    [
        ({"samples": 4}, (), 1.0),
        ({}, ("eval.samples=4",), 1.0),
        ({"samples": 4}, ("eval.temperature=0.5",), 0.5),
        ({"samples": 1}, (), 0.0),
    ],
)
def test_several_answers_are_sampled_whichever_way_they_are_asked_for(
    flags, assignments, temperature
):
    preset = changed_preset("tiny", {"eval": flags}, assignments, None)
    assert preset.eval.temperature == temperature


@pytest.mark.parametrize("flags", [{"samples": 4, "temperature": 0.0}, {"temperature": 0.0}])
def test_several_greedy_answers_are_refused_where_somebody_sets_the_temperature(flags):
    with pytest.raises(BadConfig, match="greedy samples would all be the same"):
        changed_preset("tiny", {"eval": flags}, ("eval.samples=4",), None)


@pytest.mark.parametrize("command", [("run",), ("ab", "mine")])
def test_stages_are_not_compared_by_train_problems(say, tmp_path, command):
    row = {"prompt": "1 + 1?", "completion": "<think>so</think> 2"}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row))
    assert say("ingest", "mine", "--from", tmp_path / "mine.jsonl", "--shape", "completion")[0] == 0
    assert say("convert", "mine")[0] == 0
    assert say("subset", "new", "mine", "--source", "mine")[0] == 0
    code, _, err = say(*command, "--set", "eval.split=train")
    assert (code, "eval.split is train; expected test" in err) == (2, True), err
