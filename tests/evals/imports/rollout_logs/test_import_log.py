"""Every row of a rollout log is accounted for, an import resumes, problems are the store's."""

import json
import random

import pytest
from polars.testing import assert_frame_equal

from data.errors import UserError
from data.store import runs
from data.store.runs import RunExists
from data.store.store import add, ask
from evals.imports.rollout_logs import import_log, staging
from evals.imports.rollout_logs.import_log import import_rollouts
from tests.support import rollout_logs as logs
from tests.support.rollout_logs import GOLD, QUESTION, RIGHT, WRONG, lines
from tests.support.store_rows import rows_of

ROW = {"step": 1, "question": QUESTION, "gold": GOLD, "text": RIGHT, "reward": 1.0}
ROWS = 'select step, "group", sample, text, reward, advantage from sampled_rollouts order by all'


def test_read_is_imported_and_rejected_and_left_out(store, tmp_path):
    path = lines(
        tmp_path / "rollouts.jsonl",
        ROW,
        {**ROW, "text": None},
        "{broken",
        {**ROW, "finish": "maybe"},
        {**ROW, "split": "eval"},
        {**ROW, "question": "", "prompt": " "},
    )
    summary = import_rollouts(store, path, "theirs")
    counts = {name: summary[name] for name in ("read", "imported", "rejected", "left_out")}
    assert counts == {"read": 6, "imported": 1, "rejected": 4, "left_out": 1}
    assert summary["reasons"] == {
        "text is missing or no text": 1,
        "broken JSON": 1,
        "finish is not stop, length or null": 1,
        "neither prompt nor question is a text": 1,
    }
    with open(summary["rejections"], encoding="utf-8") as rejected:
        entries = [json.loads(line) for line in rejected]
    assert [(entry["file"], entry["line"]) for entry in entries] == [
        ("rollouts.jsonl", n) for n in (2, 3, 4, 6)
    ]


def test_the_order_of_rows_in_the_log_does_not_change_steps_and_groups(
    store, tmp_path, monkeypatch
):
    monkeypatch.setattr(staging, "ROWS_PER_FILE", 7)
    monkeypatch.setattr(import_log, "ROLLOUTS_PER_PART", 10)
    rows = [
        {**ROW, "step": step, "group": f"g{group}", "reward": float(sample), "text": str(sample)}
        for step in range(1, 6)
        for group in range(3)
        for sample in range(4)
    ]
    import_rollouts(store, lines(tmp_path / "a.jsonl", *rows), "ordered")
    random.Random(0).shuffle(rows)
    import_rollouts(store, lines(tmp_path / "b.jsonl", *rows), "shuffled")
    query = """
        select run, step, count(*), count(distinct "group"), sum(reward), sum(abs(advantage))
        from rollouts where run = $run group by all order by all
    """
    ordered, shuffled = (ask(store, query, run=run) for run in ("ordered", "shuffled"))
    assert_frame_equal(shuffled.drop("run"), ordered.drop("run"))


def test_an_interrupted_import_resumes_with_the_same_rows(store, tmp_path, monkeypatch):
    monkeypatch.setattr(import_log, "ROLLOUTS_PER_PART", 2)
    rows = [{**ROW, "step": step, "text": f"{step} {n}"} for step in (1, 2, 3) for n in (0, 1)]
    path = lines(tmp_path / "a.jsonl", *rows)
    original, calls = import_log._add, []

    def dies(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        original(*arguments)

    monkeypatch.setattr(import_log, "_add", dies)
    with pytest.raises(KeyboardInterrupt):
        import_rollouts(store, path, "theirs")
    assert ask(store, ROWS).height == 2
    monkeypatch.setattr(import_log, "_add", original)
    other = lines(tmp_path / "b.jsonl", ROW)
    with pytest.raises(UserError, match=r"begun by the import of another file, a\.jsonl"):
        import_rollouts(store, other, "theirs")
    summary = import_rollouts(store, path, "theirs")
    assert summary["imported"] == 6
    assert [row[3] for row in ask(store, ROWS).rows()] == [row["text"] for row in rows]
    with pytest.raises(RunExists):
        import_rollouts(store, path, "theirs")
    assert (runs.state(store, "theirs") or {})["summary"] == summary


def test_no_temporary_file_stays(store, tmp_path):
    import_rollouts(store, logs.neutral(tmp_path), "theirs")
    assert list((store.folder / ".staging").iterdir()) == []


def test_a_group_of_one_or_without_rewards_has_no_advantage(store, tmp_path):
    rows = [
        {**ROW, "group": "one"},
        {**ROW, "group": "two", "reward": None},
        {**ROW, "group": "two"},
    ]
    import_rollouts(store, lines(tmp_path / "a.jsonl", *rows), "theirs")
    assert [row[-1] for row in ask(store, ROWS).rows()] == [None, None, None]


def test_a_reference_answer_comes_from_the_store_by_the_question_among_instructions(
    store, tmp_path
):
    questions = [f"{name} has {n} pens. How many?" for n, name in enumerate(
        ["Ann", "Bob", "Cid", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon", "Kay",
         "Lee", "Max", "Ned", "Oda", "Pam", "Roy", "Sue", "Tom", "Una"])]  # fmt: skip
    stored = rows_of(
        "problems",
        problem_id=["known-0", "known-1"],
        record_id=["r0", "r1"],
        split=["train", "test"],
        question=questions[:2],
        gold=["0", "1"],
    )
    add(store, "problems", stored, run="convert-test")
    rows = [
        {"step": 1, "prompt": f"Think first.\n{question}\nEnd with ####.", "text": "0", "reward": 1}
        for question in questions
    ]
    summary = import_rollouts(store, lines(tmp_path / "a.jsonl", *rows), "theirs")
    assert (summary["without_gold"], summary["recomputed"]) == (18, {"gold": 2})
    query = """
        select problem_id, recomputed
        from rollouts join rollout_origins using (step, "group", sample)
        where problem_id in ('known-0', 'known-1') order by problem_id
    """
    assert ask(store, query).rows() == [("known-0", ["gold"]), ("known-1", ["gold"])]


def test_reward_parts_that_a_row_lacks_do_not_apply_to_it(store, tmp_path):
    rows = [
        {**ROW, "rewards": {"a": 1.0}, "reward": None},
        {**ROW, "rewards": {"b": 2.0, "a": 0.0}, "reward": None, "text": WRONG},
    ]
    import_rollouts(store, lines(tmp_path / "a.jsonl", *rows), "theirs")
    parts = ask(store, "select rewards from rollouts order by sample").to_series().to_list()
    assert [[part["name"] for part in each] for each in parts] == [["a", "b"], ["a", "b"]]
    assert parts[0][1]["value"] != parts[0][1]["value"]  # nan


def test_rows_without_a_step_leave_what_the_others_cover(store, tmp_path):
    rows = [{**ROW, "step": step, "text": str(step)} for step in (None, 10, 20, None, 40)]
    summary = import_rollouts(store, lines(tmp_path / "a.jsonl", *rows), "theirs")
    covered = summary["coverage"]
    names = ("steps", "first", "last", "every", "missing")
    assert [covered[name] for name in names] == [3, 10, 40, 10, 1]
    assert "of 2 rollouts the step is unknown" in covered["means"]


def test_a_stored_problem_may_have_no_reference_answer(store, tmp_path):
    path = lines(tmp_path / "a.jsonl", {**ROW, "gold": None})
    assert import_rollouts(store, path, "without")["without_gold"] == 1
    assert import_rollouts(store, lines(tmp_path / "b.jsonl", ROW), "with")["without_gold"] == 0
    assert ask(store, "select gold from problems order by gold").to_series().to_list() == [
        GOLD, None
    ]  # fmt: skip
