"""Problems of a store that were trained on, and the scores without them; the verb `overlap`."""

import json
from pathlib import Path

import polars as pl
import pytest

from data.audit.quarantine import quarantine
from data.conversion.convert_source import convert_source
from data.duplicates.training_texts import problems_of, trained_on
from data.errors import UserError
from data.sources.ingest import ingest
from data.store.store import Store, add, add_generations, ask
from evals.comparison.compare import grade_run
from evals.contamination import graded_runs, overlap
from evals.imports.import_file import import_file
from evals.scores.grade import UnknownRun, grade_generations
from tests.support.files import jsonl
from tests.support.store_rows import rows_of

QUESTIONS = {
    "copied": "Tom has 3 red apples and buys 4 more. How many apples does Tom have now?",
    "renumbered": "Ann picks 8 pears in June and 9 pears in July. How many did she pick in all?",
    "in part": "Every one of the nine old farmers sold his two cows at noon. How many cows?",
    "clean": "A train leaves at six and arrives at noon. For how many hours does it run?",
}
PROMPTS = {
    "a": QUESTIONS["copied"].upper(),
    "b": QUESTIONS["renumbered"].replace("8", "80").replace("9", "95"),
    "c": "Say why every one of the nine old farmers sold his two cows at noon, not later.",
    "d": "What is the capital of France?",
}


@pytest.fixture
def trained(here: Store, tmp_path: Path) -> Store:
    """Examples `mine` of PROMPTS, and problems `gsm8k` of QUESTIONS, all of split test."""
    text = "<think>so it is</think>7"
    rows = [{"prompt": prompt, "completion": text} for prompt in PROMPTS.values()]
    ingest(here, "mine", jsonl(tmp_path / "mine.jsonl", rows), "completion")
    rows = [{"question": question, "answer": "so\n#### 7"} for question in QUESTIONS.values()]
    ingest(here, "gsm8k", jsonl(tmp_path / "test.jsonl", rows))
    for source in ("mine", "gsm8k"):
        assert convert_source(here, source)["converted"] == 4
    return here


def answered(store: Store, run: str, *right: str, samples: int = 1) -> None:
    """An import of one stage, `7` of the named problems and `8` of the others."""
    rows = [
        {"problem_id": name, "question": question, "gold": "7", "sample": sample, "stage": "s",
         "text": f"<reasoning>r</reasoning>\n<answer>{7 if name in right else 8}</answer>"}
        for name, question in QUESTIONS.items()
        for sample in range(samples)
    ]  # fmt: skip
    import_file(store, jsonl(store.folder.parent / f"{run}.jsonl", rows), run)
    grade_run(store, run, "strict")


def hits(value: dict) -> dict[str, list[dict]]:
    """Question's name -> evidence."""
    names = {question: name for name, question in QUESTIONS.items()}
    lines = [json.loads(line) for line in Path(value["hits"]).read_text().splitlines()]
    return {names[line["question"]]: line["evidence"] for line in lines}


def test_each_overlap_names_its_kinds_its_record_and_what_is_shared(trained):
    value = overlap(trained, [])
    counts = ("problems", "trained_on", "left_out", "unsure")
    assert [value[name] for name in counts] == [4, 4, 4, 0]
    assert {kind: value[kind]["count"] for kind in ("exact", "ngram", "masked", "any")} == {
        "exact": 1,
        "ngram": 2,
        "masked": 2,
        "any": 3,
    }
    assert (value["any"]["value"], value["any"]["n"]) == (0.75, 4)
    rows = hits(value)
    assert {name: [one["kind"] for one in of] for name, of in rows.items()} == {
        "copied": ["exact", "ngram", "masked"],
        "renumbered": ["masked"],
        "in part": ["ngram"],
    }
    [part] = rows["in part"]
    assert (part["source"], part["text"]) == ("mine", PROMPTS["c"])
    assert part["shared"] == "every one of the nine old farmers sold his two cows at noon"
    query = "select body from records where record_id = $id"
    assert PROMPTS["c"] in ask(trained, query, id=part["record_id"]).item()
    assert Path(value["hits"]).parent == trained.folder / "overlap"
    assert overlap(trained, []) == value


def test_questions_of_train_problems_are_trained_on_each_once(trained, tmp_path):
    rows = [{"question": QUESTIONS["clean"] + " ", "answer": "else\n#### 6"}]
    ingest(trained, "gsm8k", jsonl(tmp_path / "train.jsonl", rows))
    convert_source(trained, "gsm8k")
    rows, left_out = trained_on(trained, ["gsm8k"], "test")
    assert (rows.height, left_out) == (1, 4)
    bare = rows_of("problems", problem_id=["p"], source=["gsm8k"], split=["train"], question=["?"])
    add(trained, "problems", bare, run="elsewhere")
    rows, _ = trained_on(trained, ["gsm8k"], "test")
    assert sorted(rows["problem_id"].to_list(), key=str) == [None, "p"]
    assert overlap(trained, [], train=["gsm8k"])["exact"]["count"] == 1


def test_what_a_person_quarantined_is_not_trained_on(trained):
    rows, _ = trained_on(trained, ["mine"], "test")
    copied = rows.filter(text=PROMPTS["a"])["record_id"].item()
    quarantine(trained, copied, "a copy", "me")
    value = overlap(trained, [])
    assert (value["trained_on"], value["exact"]["count"]) == (3, 0)
    problem = problems_of(trained, "gsm8k", "test").filter(question=QUESTIONS["copied"])
    quarantine(trained, problem["record_id"].item(), "a copy", "me")
    assert overlap(trained, [])["problems"] == 3


def test_scores_are_told_apart_by_whether_the_problem_overlaps(trained):
    answered(trained, "one", "copied", "renumbered", "clean")
    value = overlap(trained, ["one"])
    [row] = value["scores"]
    assert (row["run"], row["stage"], row["not_looked_at"]) == ("one", "s", 0)
    answer = row["answer"]
    assert {name: (answer[name]["value"], answer[name]["n"], answer[name]["small"])
            for name in ("all", "clean", "overlapping")} == {
        "all": (0.75, 4, True),
        "clean": (1.0, 1, True),
        "overlapping": (2 / 3, 3, True),
    }  # fmt: skip
    assert answer["difference"]["difference"] == pytest.approx(-1 / 3)
    assert -1 <= answer["difference"]["low"] < -1 / 3 < answer["difference"]["high"] <= 1
    json.dumps(value, allow_nan=False)


def test_problems_that_were_not_looked_at_are_counted_and_a_group_of_none_is_unknown(trained):
    answered(trained, "one", "copied")
    quarantine(trained, trained_on(trained, ["mine"], "test")[0]["record_id"][0], "no", "me")
    elsewhere = rows_of("problems", problem_id=["q"], source=["other"], split=["test"],
                        question=[QUESTIONS["clean"]])  # fmt: skip
    add(trained, "problems", elsewhere, run="elsewhere")
    [row] = overlap(trained, ["one"], problems="other")["scores"]
    assert (row["not_looked_at"], row["answer"]["all"]["n"]) == (4, 0)
    assert row["answer"]["all"]["value"] is None
    assert row["answer"]["difference"] == {"difference": None, "low": None, "high": None}


def test_samples_of_a_problem_count_as_one_problem(trained):
    answered(trained, "many", "copied", "clean", samples=4)
    [row] = overlap(trained, ["many/s"])["scores"]
    assert [row["answer"][name]["n"] for name in ("all", "clean", "overlapping")] == [4, 1, 3]


def test_a_group_of_thirty_problems_is_not_small(here):
    ids = [f"p{n}" for n in range(31)]
    columns = {"problem_id": ids, "source": ["s"] * 31, "split": ["test"] * 31}
    add(
        here,
        "problems",
        rows_of("problems", **columns, question=["x" * (n + 1) for n in range(31)]),
        run="i",
    )
    seen = {"problem_id": ["t"], "record_id": ["r"], "source": ["s"], "split": ["train"]}
    add(here, "problems", rows_of("problems", **seen, question=["xxx"]), run="i")
    add(here, "conversions", rows_of("conversions", record_id=["r"], source=["s"], converter=["1"],
                                     outcome=["example"]), run="c")  # fmt: skip
    texts = rows_of("generations", generation_id=ids, problem_id=ids, sample=[0] * 31,
                    text=["<answer>7</answer>"] * 31)  # fmt: skip
    columns = {"run": pl.lit("e"), "stage": pl.lit("base"), "gold": pl.lit("7")}
    add_generations(
        here,
        texts,
        grade_generations(texts.with_columns(**columns), "lenient"),
        run="e",
        stage="base",
    )
    [row] = overlap(here, ["e"], grader="lenient")["scores"]
    groups = [(row["answer"][name]["n"], row["answer"][name]["small"])
              for name in ("all", "clean", "overlapping")]  # fmt: skip
    assert groups == [(31, False), (30, False), (1, True)]


def test_runs_without_scores_of_the_grader_are_none_of_those_that_are_graded(trained):
    answered(trained, "one", "copied")
    assert graded_runs(trained, ["none", "one", "one"], "strict") == ["one"]
    with pytest.raises(UnknownRun, match="runs with scores: one"):
        overlap(trained, ["none"])
    with pytest.raises(UnknownRun, match="'one/later'"):
        overlap(trained, ["one/later"])


def test_only_the_problems_themselves_are_nothing_to_compare_with(trained):
    with pytest.raises(UserError, match="nothing of gsm8k is trained on but the test"):
        overlap(trained, [], train=["gsm8k"])
    with pytest.raises(UserError, match="sources with train problems: none"):
        overlap(trained, [], split="train")


def test_the_verb_answers_programs_and_people(trained, say):
    answered(trained, "one", "copied", "renumbered", "clean")
    code, out, _ = say("overlap", "--train", "mine", "--problems", "gsm8k", "--json")
    value = json.loads(out)
    assert (code, value["train"], value["any"]["count"]) == (0, ["mine"], 3)
    assert [row["run"] for row in value["scores"]] == ["one"]
    code, out, err = say("overlap", "--train", "mine")
    assert (code, err) == (0, "")
    for words in ("4 test problems, 4 texts trained on (mine)", "75.0% (30.1 to 95.4)",
                  "100.0% (20.7 to 100.0) n=1*", "-33.3 points", value["hits"]):  # fmt: skip
        assert words in out


def test_without_a_run_the_verb_counts_and_says_what_was_left_out(trained, say):
    code, out, _ = say("overlap")
    assert (code, "No evaluation or import has scores by strict" in out) == (0, True)
    assert "4 examples were excluded" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--train", "nope"], ["nothing of 'nope' is converted", "gsm8k, mine"]),
        (["--problems", "nope"], ["no test problems of 'nope'", "gsm8k"]),
        (["--problems", ""], ["--problems", "is empty"]),
        (["--split", "dev"], ["'dev'", "test"]),
        (["--run", "nope"], ["no scores of run 'nope'", "thinkbench grade"]),
        (["--grader", "nope"], ["'nope'", "strict"]),
        (["--train", "gsm8k"], ["but the test problems themselves", "--train"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_bad_input_says_what_was_found_and_what_to_do(trained, say, arguments, words):
    code, out, err = say("overlap", *arguments)
    assert (code, out) == (2, "")
    for word in words:
        assert word in err


def test_without_a_store_none_is_made(say, tmp_path):
    code, _, err = say("overlap")
    assert (code, "not a store" in err, (tmp_path / "store").exists()) == (2, True, False)
