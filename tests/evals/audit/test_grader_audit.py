"""The audit of graders: disagreements with examples, probes, suspect reference answers."""

import csv
import json

import pytest

from data.errors import UserError
from evals.audit.grader_audit import audit
from evals.audit.probes import PROBES, TWICE, probe_graders, texts
from evals.imports.import_file import import_file
from tests import ROOT
from tests.evals.failures.test_categories import answering

GSM8K = ROOT.parent / "shared" / "data" / "gsm8k" / "main_test.csv"


def rates(golds: list[str], grader: str) -> dict[str, tuple[float, int]]:
    """Probe -> the share of verdicts that are wrong, and how many are unknown."""
    return {
        row["probe"]: ((row["false_fail"] or row["false_pass"])["value"], row["unknown"])
        for row in probe_graders(golds)
        if row["grader"] == grader
    }


def test_strict_passes_every_right_rewriting_and_no_wrong_one():
    report = rates(["7", "1,450", "0", "19", "-12"], "strict")
    assert {probe: rate for probe, (rate, _) in report.items() if rate} == {}
    assert {probe for probe, (_, unknown) in report.items() if unknown} == {"enumeration"}


def test_lenient_takes_the_last_of_two_answers_and_math_too():
    for grader in ("lenient", "math"):
        wrong = {probe for probe, (rate, _) in rates(["7", "1450"], grader).items() if rate}
        assert wrong == {TWICE[0]}


def test_the_notebook_fails_what_is_known_of_it():
    report = rates(["7", "1450"], "notebook")
    for probe in ("thousands separators", "fraction", "words"):
        assert report[probe][0] == 1.0
    for probe in ("enumeration", "other sign", TWICE[1]):
        assert report[probe][0] == 1.0


@pytest.mark.parametrize("gold", [0, 7, -3, 1_450_000])
def test_each_probe_says_whether_it_is_right_and_none_has_an_empty_answer(gold):
    probes = texts(gold)
    assert {name for name, _, _ in probes} <= {probe.name for probe in PROBES} | {*TWICE}
    assert all("<answer>\n\n</answer>" not in text for _, _, text in probes)


@pytest.fixture
def imported(store, tmp_path):
    def row(problem: str, gold: str, text: str, sample: int = 0) -> dict:
        row_fields = {"problem_id": problem, "question": f"{problem}?", "gold": gold, "text": text}
        return row_fields | {"sample": sample}

    rows = [row("prose", "7", "The answer is 7."), row("comma", "1,200", answering("1200"))]
    rows += [row("doubt", "5", answering("4"), n) for n in range(4)]
    rows += [row("torn", "5", answering(str(4 + n % 2)), n) for n in range(4)]
    rows += [row("no number", "many", answering("many"))]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in rows))
    import_file(store, path, "theirs")
    return store


def test_graders_are_held_against_each_other_with_examples(imported):
    report = audit(imported)
    assert report["generations"] == 11
    [pair] = [p for p in report["disagreements"] if p["graders"] == ["strict", "lenient"]]
    assert (pair["agree"]["value"], pair["agree"]["n"]) == (10 / 11, 11)
    [cell] = pair["apart"]
    assert (cell["first"], cell["second"], cell["n"]) == ("wrong", "right", 1)
    assert cell["examples"][0]["lenient"] == "7"


def test_golds_that_no_answer_satisfies_are_named_by_grader(imported):
    report = {row["grader"]: [gold["gold"] for gold in row["golds"]] for row in
             audit(imported)["unsatisfiable"]}  # fmt: skip
    assert sorted(report.pop("notebook")) == ["1,200", "many"]
    assert report == {"strict": [], "lenient": [], "math": []}


def test_a_gold_that_all_samples_contradict_is_suspect_and_a_torn_one_is_not(imported):
    report = audit(imported)["suspect"]
    assert [(row["problem_id"], row["said"]) for row in report["golds"]] == [("doubt", "4")]
    assert (report["n"], report["of"]) == (1, 2)


def test_a_store_without_problems_is_refused(store):
    with pytest.raises(UserError, match="thinkbench ingest samples-gsm8k"):
        audit(store)


def test_the_command_prints_and_takes_one_run(imported, say, monkeypatch):
    monkeypatch.setenv("THINKBENCH_STORE", str(imported.folder))
    code, out, _ = say("audit", "graders")
    assert (code, "Suspect reference answers: 1 of 2" in out) == (0, True)
    code, _, err = say("audit", "graders", "--run", "nobody", "--json")
    assert (code, "nobody" in err) == (2, True)
    assert say("audit", "graders", "--model", "tiny")[0] == 2
    assert say("audit", "--run", "theirs")[0] == 2


def test_of_gsm8ks_test_golds_the_notebook_can_never_pass_sixteen(store, tmp_path):
    if not GSM8K.exists():
        pytest.skip("GSM8K is not beside this checkout")
    with GSM8K.open(encoding="utf-8", newline="") as file:
        golds = [row["answer"].rpartition("####")[2].strip() for row in csv.DictReader(file)]
    rows = [
        {"problem_id": str(n), "question": f"{n}?", "gold": gold, "text": answering(gold)}
        for n, gold in enumerate(golds)
    ]
    path = tmp_path / "gsm8k.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    import_file(store, path, "gold")
    report = {row["grader"]: row["n"] for row in audit(store)["unsatisfiable"]}
    assert report == {"strict": 0, "lenient": 0, "notebook": 16, "math": 0}
