"""How good a judge is, by labels of people and imports; and the blind sample that people label."""

import json

import pytest

from data.errors import UserError
from data.store import annotations
from data.store.store import add, ask
from evals.graders import GRADERS
from evals.judge.agreement import NEEDED, NEEDED_PROBLEMS, quality_of
from evals.judge.blind_sample import label, sample_to_label
from evals.judge.stored import add_rubric
from tests.support.evaluation import evaluate
from tests.support.imported import import_rows
from tests.support.judge import judging, rubric, seven_is_correct, write_rubric
from tests.support.served import serving
from tests.support.store_rows import rows_of
from workbench.formatting import counted, judge_note

JUDGE = "judge:check"


def judged(store, run: str, verdicts: dict[str, bool | None]) -> None:
    """Scores of the judge, without asking: generation_id -> verdict."""
    read, _ = add_rubric(store, rubric("http://127.0.0.1:1/v1"), "ann")
    ids = list(verdicts)
    n = len(ids)
    rows = rows_of(
        "scores",
        generation_id=ids,
        problem_id=[one.partition(":")[0] for one in ids],
        sample=[0] * n,
        grader=[JUDGE] * n,
        grader_version=[read.version] * n,
        correct=list(verdicts.values()),
        reason=[None if verdict is not None else "mute" for verdict in verdicts.values()],
    )
    add(store, "scores", rows, run=run, stage="sft")


@pytest.fixture
def graded(store):
    """80 answers of which the rule calls 40 correct; the judge differs on 8, and is mute on 2."""
    evaluate(store, "eval", "sft", ["7" if n % 2 else "8" for n in range(80)])
    odd = {n: n % 2 == 1 for n in range(80)}
    odd |= {n: not odd[n] for n in range(8)} | {10: None, 11: None}
    judged(store, "eval", {f"p{n}:eval": verdict for n, verdict in odd.items()})
    return store


def test_without_labels_a_judge_is_not_validated(graded):
    value = quality_of(graded, JUDGE)
    assert (value["n"], value["validated"], value["agreement"]["value"]) == (0, False, None)
    assert value["kappa"]["value"] is None


def test_an_unknown_verdict_agrees_with_no_label_and_finds_nothing(graded):
    sample = sample_to_label(graded, JUDGE, "ann", n=80)
    label(graded, sample, {f"p{n}:eval": "right" if n % 2 else "wrong" for n in range(60)})
    value = quality_of(graded, JUDGE)
    assert (value["n"], value["validated"], value["unknown"]) == (60, True, 2)
    assert value["agreement"]["value"] == 50 / 60
    assert value["recall"]["value"] == (30 - 4 - 1) / 30
    assert value["precision"]["value"] == 25 / 29
    assert 0 < value["kappa"]["low"] < value["kappa"]["value"] < value["kappa"]["high"] < 1
    assert quality_of(graded, "strict")["agreement"]["value"] == 1


@pytest.mark.parametrize(
    ("n", "problems", "verdict", "validated"),
    [
        (60, 60, None, False),
        (NEEDED, NEEDED, True, True),
        (NEEDED - 1, NEEDED - 1, True, False),
        (60, 1, True, False),
        (60, NEEDED_PROBLEMS - 1, True, False),
        (60, NEEDED_PROBLEMS, True, True),
    ],
)
def test_verdicts_on_enough_problems_validate_and_unknown_ones_do_not(
    store, tmp_path, n, problems, verdict, validated
):
    rows = (
        {"problem_id": f"p{number % problems}", "sample": number // problems, "label": True}
        for number in range(n)
    )
    import_rows(store, tmp_path, "theirs", *rows)
    ids = ask(store, "select generation_id from generations order by problem_id, sample")
    judged(store, "theirs", dict.fromkeys(ids["generation_id"], verdict))
    value = quality_of(store, JUDGE)
    decided = n if verdict is not None else 0
    assert (value["n"], value["decided"], value["unknown"]) == (n, decided, n - decided)
    assert (value["problems"], value["validated"]) == (problems, validated)
    note = judge_note(value)
    assert ("not validated" in note, f"{decided} of its" in note) == (not validated,) * 2
    assert counted(min(problems, decided), "problem") in note


def test_a_run_that_the_store_lacks_is_refused(graded):
    for question in (
        lambda: quality_of(graded, JUDGE, "no-such-run"),
        lambda: sample_to_label(graded, JUDGE, "ann", "no-such-run"),
    ):
        with pytest.raises(UserError, match="no generations of run 'no-such-run'; expected"):
            question()


def test_people_come_before_imported_labels_and_those_who_differ_are_left_out(store, tmp_path):
    import_rows(
        store, tmp_path, "theirs", *({"problem_id": f"p{n}", "label": True} for n in range(4))
    )
    ids = ask(store, "select generation_id from generations order by problem_id")
    first, second, third, fourth = ids["generation_id"]
    judged(store, "theirs", dict.fromkeys((first, second, third, fourth), True))
    for author, verdict in (("ann", "wrong"), ("bob", "wrong")):
        annotations.label_all(store, {first: verdict}, "s", author)
    annotations.override(store, second, "lenient", "wrong", "no", "ann")
    annotations.label_all(store, {second: "right", third: "unsure"}, "s", "bob")
    value = quality_of(store, JUDGE)
    assert (value["n"], value["split"]) == (3, 1)
    assert value["agreement"]["value"] == 2 / 3
    assert {row["source"]: (row["n"], row["agreement"]["value"]) for row in value["by_source"]} == {
        "blind labels": (2, 0.5),
        "overrides": (1, 0.0),
        "imported labels": (4, 1.0),
    }
    annotations.label_all(store, {first: "withdrawn"}, "s", "ann")
    annotations.label_all(store, {first: "withdrawn"}, "s", "bob")
    assert quality_of(store, JUDGE)["agreement"]["value"] == 1


def test_a_sample_is_blind_and_begins_where_graders_disagree(graded):
    sample = sample_to_label(graded, JUDGE, "ann", n=20)
    ids = {row["generation_id"] for row in sample["rows"]}
    assert {f"p{n}:eval" for n in (*range(8), 10, 11)} < ids
    assert (sample["n"], sample["labelled"]) == (20, 0)
    assert set(sample["rows"][0]) == {"generation_id", "question", "gold", "text", "verdict"}
    disputed = [row["generation_id"] in {f"p{n}:eval" for n in (*range(8), 10, 11)}
                for row in sample["rows"]]  # fmt: skip
    assert disputed != sorted(disputed, reverse=True)  # the order tells nothing
    assert sample_to_label(graded, JUDGE, "ann", n=20) == sample


def test_labels_are_stored_by_author_and_a_sample_is_resumed(graded):
    sample = sample_to_label(graded, JUDGE, "ann", n=5)
    first = sample["rows"][0]["generation_id"]
    label(graded, sample, {first: "wrong"})
    label(graded, sample, {first: "right"})
    again = sample_to_label(graded, JUDGE, "ann", n=5)
    assert (again["labelled"], again["rows"][0]["verdict"]) == (1, "right")
    # another person sees no label of the first
    assert sample_to_label(graded, JUDGE, "bob", n=5)["labelled"] == 0
    # what was labelled stays in the sample, whatever else is graded later
    evaluate(graded, "more", "sft", ["9"] * 30)
    judged(graded, "more", {f"p{n}:more": True for n in range(30)})
    assert first in {r["generation_id"] for r in sample_to_label(graded, JUDGE, "ann", n=1)["rows"]}
    for wrong in ({first: "maybe"}, {"p99:eval": "right"}):
        with pytest.raises(UserError, match="expected"):
            label(graded, sample, wrong)


def test_not_validated_stands_beside_every_number_until_there_are_labels(say, graded, tmp_path):
    commands = [
        ("grade", "eval", "--grader", JUDGE),
        ("failures", "--run", "eval", "--grader", JUDGE),
        ("compare", "eval", "eval", "--grader", JUDGE),
        ("judge", "agreement", "check"),
    ]
    for command in commands:
        code, out, err = say(*command)
        assert (code, "judge:check is not validated: 0 of its verdicts" in out) == (0, True), err
    for command in commands[:3]:
        assert json.loads(say(*command, "--json")[1])["judge"]["validated"] is False
    file = tmp_path / "labels.jsonl"
    for n in (NEEDED, NEEDED + 10):
        command = ("judge", "label", "check", "--n", n)
        rows = json.loads(say(*command, "--json")[1])["rows"]
        file.write_text("".join(json.dumps(row | {"verdict": "right"}) + "\n" for row in rows))
        code, out, _ = say(*command, "--labels", file, "--author", "ann")
        assert (code, f"{n} of {n} generations" in out) == (0, True)
        out = " ".join(say("judge", "agreement", "check")[1].split())
        # the judge is mute on one of the first sample
        for words in (
            "is not validated: 49 of its",
            "labelled but unknown: 1",
            "label check --n 100",
        ):
            assert (words in out) == (n == NEEDED), out
    for command in commands:
        out = say(*command)[1]
        assert ("not validated" in out, "agreement" in out) == (False, True)
    assert "judge" not in json.loads(say("grade", "--run", "eval", "--json")[1])


def test_a_judge_that_is_a_report_s_grader_is_named_with_how_good_it_is(say, graded, tmp_path):
    file = tmp_path / "report.html"
    code, _, err = say("report", file, "--run", "eval", "--grader", JUDGE)
    assert code == 0, err
    assert file.read_text().count("judge:check is not validated") == 2


def test_the_judge_s_errors_are_no_errors_of_others(graded):
    """An unvalidated judge that calls everything correct hides no failure unless it is named."""
    from evals.failures.counts import categorise_missing, failure_counts

    categorise_missing(graded, "eval")
    [before] = failure_counts(graded, "eval")["stages"]
    judged(graded, "eval", {f"p{n}:eval": True for n in range(80)})
    [after] = failure_counts(graded, "eval")["stages"]
    assert before == after
    assert failure_counts(graded, "eval", JUDGE)["stages"] != [after]


def test_imported_labels_measure_a_judge_that_was_asked(say, store, tmp_path):
    rows = (
        {"problem_id": f"p{n}", "text": f"It is {n}", "gold": "7", "label": n == 7}
        for n in range(9)
    )
    import_rows(store, tmp_path, "theirs", *rows)
    with serving(judging(seven_is_correct)) as server:
        say("judge", "add", write_rubric(tmp_path, server.url))
        code, out, err = say("grade", "theirs", "--grader", JUDGE, "--json")
    assert code == 0, err
    assert (json.loads(out)["agree"], json.loads(out)["judge"]["n"]) == (9, 9)
    assert json.loads(out)["version"] not in [rule.version for rule in GRADERS.values()]
