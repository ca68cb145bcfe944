"""`store` and `runs` on the command line: upkeep that people can see and undo."""

import json

import pytest

from data.store import runs
from data.store.store import add, add_generations
from tests.support.store_rows import generated, ids, part_files, problems, rows_of


@pytest.fixture
def answered(here):
    """A training run that was killed, and the evaluation of what it left."""
    runs.begin(
        here, "sft", run="s", stage="sft", config={"steps": 5}, seed=3, inputs={"rows": "ab"}
    )
    for step in range(4):
        add(here, "metrics", rows_of("metrics", step=[step]), run="s")
    runs.begin(here, "eval", run="e", stage="sft", config={}, seed=0, inputs={}, parent="s")
    add_generations(here, *generated("g1", "g2"), run="e", stage="sft")
    runs.end(here, "e", "done", {"n": 2, "note": "\x1b[2J"})
    return here


def value_of(printed):
    code, output, errors = printed
    assert code == 0, errors
    return json.loads(output.splitlines()[-1])


def test_compact_merges_the_parts_of_killed_runs_too(say, answered):
    value = value_of(say("store", "compact", "--json"))
    assert value == {"replaced": 7, "parts_before": 9, "parts": 4}
    assert value_of(say("store", "compact", "--json"))["replaced"] == 0
    assert ids(answered, "metrics", "step") == [0, 1, 2, 3]
    code, output, _ = say("store", "compact")
    assert (code, "replaced" in output) == (0, True)


def test_a_run_is_deleted_and_restored(say, answered):
    value = value_of(say("store", "delete", "s", "e", "s", "--json"))
    assert value["deleted"] == [
        {"run": "s", "parts": 4, "used_by": ["e"], "subsets": []},
        {"run": "e", "parts": 2, "used_by": [], "subsets": []},
    ]
    assert ids(answered, "generations", "generation_id") == []
    assert value_of(say("runs", "list", "--json")) == {"runs": [], "n": 0, "kinds": []}
    deleted = value_of(say("runs", "list", "--deleted", "--json"))
    assert sorted(row["run"] for row in deleted["runs"]) == ["e", "s"]
    assert value_of(say("store", "restore", "e", "--json")) == {"run": "e", "parts": 2}
    assert ids(answered, "generations", "generation_id") == ["g1", "g2"]


def test_people_read_how_to_undo_a_deletion_and_who_needs_the_run(say, answered):
    code, output, _ = say("store", "delete", "s")
    assert code == 0
    assert "Undo: thinkbench store restore s" in output
    assert "Runs that were made from it: e" in output
    assert "Restored s (4 parts)." in say("store", "restore", "s")[1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("store", "delete", "nope"), "there is no run 'nope'"),
        (("store", "delete", "s", "nope"), "there is no run 'nope'"),
        (("store", "restore", "nope"), "'nope' is not deleted"),
        (("store", "restore", "s"), "'s' is not deleted"),
        (("runs", "show", "nope"), "List them: thinkbench runs list"),
        (("runs", "show", "../s"), "there is no run '../s'"),
        (("runs", "list", "--limit", "0"), "0 is not in the range"),
    ],
)
def test_a_run_that_is_not_there_is_bad_input_and_changes_nothing(say, answered, words, expected):
    code, _, errors = say(*words)
    assert (code, expected in errors) == (2, True), errors
    assert value_of(say("runs", "list", "--json"))["n"] == 2


def test_a_store_that_is_not_there_is_not_made(say, tmp_path):
    for words in (("runs", "list"), ("store", "compact"), ("store", "repair")):
        assert say(*words)[0] == 2
    assert not (tmp_path / "store").exists()


def test_a_restored_run_shows_the_state_that_it_had(say, answered):
    states = []
    for words in ([], ["store", "delete", "e"], ["store", "restore", "e"]):
        if words:
            say(*words)
        value = value_of(say("runs", "show", "e", "--json"))
        states.append((value["state"], value["rows"].get("generations", 0)))
    assert states == [("done", 2), ("deleted", 0), ("done", 2)]


def test_repair_names_what_is_lost_damaged_and_foreign(say, here):
    lost = add(here, "problems", problems("a"), run="r")
    add(here, "problems", problems("b"), run="r")
    ids(here)
    (here.folder / lost).unlink()
    torn = "problems/run=r/part-00000000000000000001-torn.parquet"
    (here.folder / torn).write_bytes(b"PAR1")
    (here.folder / "problems/mine.parquet").write_bytes(b"mine")
    code, output, _ = say("store", "repair")
    assert code == 0
    assert all(path in output for path in (lost, torn, "problems/mine.parquet"))
    value = value_of(say("store", "repair", "--json"))
    assert value == {
        "missing": [],
        "damaged": [],
        "replaced": [],
        "foreign": ["problems/mine.parquet"],
        "runs": [],
        "whole": [],
    }
    assert (ids(here), part_files(here, "problems")[0] == torn) == (["b"], False)
    (here.folder / "problems/mine.parquet").unlink()
    assert "Every part of the store is there" in say("store", "repair")[1]


def test_runs_are_listed_the_newest_first(say, answered):
    value = value_of(say("runs", "list", "--json"))
    assert [(row["run"], row["kind"], row["state"], row["parent"]) for row in value["runs"]] == [
        ("e", "eval", "done", "s"),
        ("s", "sft", "started", None),
    ]
    assert value_of(say("runs", "list", "--kind", "sft", "--json"))["n"] == 1
    code, output, _ = say("runs", "list", "--limit", "1")
    assert code == 0
    assert "The newest 1 of 2" in output
    assert "there are: eval, sft." in say("runs", "list", "--kind", "nope")[1]
    assert "All: thinkbench runs list" in say("runs", "list", "--kind", "nope", "--deleted")[1]


def test_a_run_shows_what_made_it_and_what_it_left(say, answered):
    value = value_of(say("runs", "show", "s", "--json"))
    assert {name: value[name] for name in ("kind", "seed", "config", "inputs", "summary")} == {
        "kind": "sft", "seed": 3, "config": {"steps": 5}, "inputs": {"rows": "ab"}, "summary": None,
    }  # fmt: skip
    assert (value["rows"], value["used_by"], value["state"]) == ({"metrics": 4}, ["e"], "started")
    assert [event["event"] for event in value["events"]] == ["started"]
    code, output, _ = say("runs", "show", "e")
    assert code == 0
    assert "\x1b" not in output  # what a summary holds never reaches a terminal raw
    assert all(word in output for word in ("generations", "parent", "done"))


def test_who_deletes_rows_reads_which_subsets_and_runs_need_them(say, here, tmp_path):
    for name in ("mine", "other"):
        row = {"prompt": f"{name}?", "completion": "<think>so</think> 4"}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row))
        assert (
            say("ingest", name, "--from", tmp_path / f"{name}.jsonl", "--shape", "completion")[0]
            == 0
        )
        assert say("convert", name)[0] == 0
        assert say("subset", "new", f"of-{name}", "--source", name)[0] == 0
    version = value_of(say("subset", "show", "of-mine", "--json"))
    runs.begin(
        here, "sft", run="trained", config={}, seed=0,
        inputs={"subset": f"{version['subset']} {version['hash']}"},
    )  # fmt: skip
    [converted] = [row["run"] for row in _runs(say, "convert") if "-mine-" in row["run"]]
    [ingested] = [row["run"] for row in _runs(say, "ingest") if "-mine-" in row["run"]]
    for run in (converted, ingested):
        value = value_of(say("runs", "show", run, "--json"))
        assert (value["subsets"], value["used_by"]) == (["of-mine@1"], ["trained"]), run
    _, output, _ = say("store", "delete", converted)
    assert "Subsets of its rows: of-mine@1" in output
    assert "Runs that were made from it: trained" in output


def _runs(say, kind):
    return value_of(say("runs", "list", "--kind", kind, "--json"))["runs"]


def test_a_run_is_noted_and_listed_by_its_name(say, answered):
    assert say("runs", "note", "e", "--name", "first try")[0] == 0
    noted = value_of(say("runs", "note", "e", "--notes", "good", "--json"))
    assert noted["name"].startswith("first try · eval sft · ")
    assert noted["notes"] == "good"
    names = [row["name"] for row in value_of(say("runs", "list", "--json"))["runs"]]
    assert noted["name"] in names
    code, _, err = say("runs", "note", "e")
    assert (code, "--name NAME" in err) == (2, True)
