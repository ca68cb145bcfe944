"""The log of each trainer is recognised, and what it says of a rollout reaches the store."""

import json
from pathlib import Path

import polars as pl
import pytest

from data.errors import UserError
from data.store.store import Store, ask
from evals.imports.rollout_logs.import_log import import_rollouts
from tests.support import rollout_logs as logs
from tests.support.rollout_logs import GOLD, QUESTION, RIGHT, WRONG

HERE = Path(__file__).parent
COUNTS = ("format", "read", "imported", "rejected", "steps", "groups", "unknown")


def counts_and_rows(store: Store, path: Path) -> tuple[tuple, list[dict]]:
    """Values of COUNTS, and the rollouts with their problems and origins."""
    summary = import_rollouts(store, path, "theirs")
    rows = ask(
        store,
        """
        select
            r.step, r."group", r.sample, r.text, r.reward, round(r.advantage, 3) as advantage,
            r.finish, r.tokens, r.discarded, p.question, p.gold, o.recomputed, r.rewards, o.extra,
            o.prompt, o.completion
        from sampled_rollouts r join rollout_origins o using (run, step, "group", sample)
        join problems p using (problem_id)
        order by all
        """,
    )
    assert set(rows["question"]) == {QUESTION}
    return tuple(summary[name] for name in COUNTS), rows.to_dicts()


def values(rows: list[dict], *names: str) -> list[tuple]:
    return [tuple(row[name] for name in names) for row in rows]


def parts(row: dict) -> list[tuple]:
    return [(p["name"], None if p["value"] != p["value"] else p["value"], p["weight"])
            for p in row["rewards"]]  # fmt: skip


def test_trl_has_a_part_for_each_reward_function_and_no_total(store, tmp_path):
    counts, rows = counts_and_rows(store, logs.trl(tmp_path))
    unknown = {"finish": 4, "group": 4, "reward": 4, "tokens": 4}
    assert counts == ("trl", 4, 4, 0, 2, 2, unknown)
    assert values(rows[:2], "step", "text", "reward", "advantage", "gold", "recomputed") == [
        (10, RIGHT, 1.5, 0.7, "\\boxed{7}", ["reward"]),
        (10, WRONG, 0.5, -0.7, "\\boxed{7}", ["reward"]),
    ]
    assert parts(rows[1]) == [("accuracy_reward", None, 1.0), ("format_reward", 0.5, 1.0)]


def test_files_that_trl_has_written_are_read(store):
    summary = import_rollouts(store, HERE / "trl-1.16", "theirs")
    assert {name: summary[name] for name in ("format", "imported", "steps", "groups")} == {
        "format": "trl",
        "imported": 16,
        "steps": 2,
        "groups": 4,
    }
    assert summary["coverage"]["means"] == "the newest batch of each 3rd step, from 3 to 6"
    row = ask(store, "select question, gold from problems order by all limit 1").row(0)
    assert row == ("Anna has 3 apples and buys 1 more. How many apples has she?", "4")
    # the advantages of the log, each as TRL computed it from the two rewards
    query = 'select sum(advantage) from rollouts group by step, "group"'
    assert ask(store, query).to_series().to_list() == pytest.approx([0.0] * 4, abs=1e-5)


def test_verl_has_no_advantages_so_they_are_computed_and_marked(store, tmp_path):
    counts, rows = counts_and_rows(store, logs.verl_0(tmp_path))
    unknown = {"advantage": 2, "finish": 2, "group": 2, "tokens": 2}
    assert counts == ("verl", 2, 2, 0, 1, 1, unknown)
    assert values(rows, "step", "text", "reward", "advantage", "gold", "recomputed", "finish") == [
        (3, RIGHT, 1.0, 0.707, GOLD, ["advantage"], None),
        (3, WRONG, 0.0, -0.707, GOLD, ["advantage"], None),
    ]
    assert json.loads(rows[0]["extra"]) == {"acc": True, "pred": "7"}


def test_verl_1_divides_equal_prompts_into_the_groups_of_its_ids(store, tmp_path):
    counts, rows = counts_and_rows(store, logs.verl_1(tmp_path))
    assert counts[5] == 2
    assert values(rows, "group", "sample", "text") == [
        (0, 0, RIGHT), (0, 1, WRONG), (1, 0, RIGHT), (1, 1, WRONG)
    ]  # fmt: skip


def test_prime_rl_has_weights_token_counts_and_what_was_not_trained_on(store, tmp_path):
    counts, rows = counts_and_rows(store, logs.prime_rl(tmp_path))
    assert counts == ("prime-rl", 3, 3, 0, 1, 1, {"reward": 3})
    names = ("step", "text", "reward", "advantage", "finish", "tokens", "discarded", "gold")
    assert values(rows, *names) == [
        (5, RIGHT, 2.0, 0.5, "stop", 3, False, GOLD),
        (5, WRONG, 0.0, -0.5, "length", 3, False, GOLD),
        (5, WRONG, 0.0, None, "length", 3, True, GOLD),
    ]
    assert parts(rows[0]) == [("correct", 1.0, 2.0), ("style", None, 1.0)]
    assert rows[0]["prompt"] == f"system: Think.\n\nuser: {QUESTION}"


def test_verifiers_evaluations_are_of_no_step_and_of_held_out_problems(store, tmp_path):
    counts, rows = counts_and_rows(store, logs.verifiers(tmp_path))
    unknown = {"advantage": 2, "step": 2, "tokens": 2}
    assert counts == ("verifiers", 2, 2, 0, 1, 1, unknown)
    assert values(rows, "step", "text", "reward", "finish", "gold") == [
        (0, RIGHT, 1.0, "stop", GOLD),
        (0, WRONG, 0.0, "length", GOLD),
    ]
    assert ask(store, "select split from problems").to_series().to_list() == ["test"]


def test_nemo_rl_divides_its_texts_at_the_template_and_leaves_validation_out(store, tmp_path):
    counts, rows = counts_and_rows(store, logs.nemo_rl(tmp_path))
    unknown = {"finish": 2, "gold": 2, "group": 2}
    assert counts == ("nemo-rl", 3, 2, 0, 1, 1, unknown)
    assert values(rows, "step", "text", "reward", "advantage", "tokens", "completion") == [
        (1, RIGHT, 1.0, 0.7, 2, None),
        (1, WRONG, 0.0, -0.7, 2, f"{WRONG}<|im_end|>"),
    ]
    assert rows[0]["prompt"] == logs.CHATML


def test_rllm_groups_by_the_task_of_its_episodes(store, tmp_path):
    counts, rows = counts_and_rows(store, logs.rllm(tmp_path))
    assert counts == ("rllm", 2, 2, 0, 1, 1, {"advantage": 2, "tokens": 2})
    assert values(rows, "step", "text", "reward", "finish", "gold") == [
        (2, RIGHT, 1.0, "stop", GOLD),
        (2, WRONG, 0.0, "length", GOLD),
    ]


def test_tunix_cells_are_read_as_literals_and_run_nothing(store, tmp_path):
    path = logs.tunix(tmp_path)
    hostile = tmp_path / "trajectory_log_1767.csv"
    rows = next(path.glob("*.csv")).read_text().splitlines()
    code = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    hostile.write_text(f'{rows[0]}\n"{code}",,,,,1.0,,,,6,,g-1\n')
    counts, rows = counts_and_rows(store, path)
    assert counts == ("tunix", 3, 2, 1, 1, 1, {"advantage": 2})
    assert not (tmp_path / "ran").exists()
    assert values(rows, "step", "text", "reward", "finish", "tokens", "gold") == [
        (6, RIGHT, 1.0, "stop", 2, GOLD),
        (6, WRONG, 0.0, "length", 2, GOLD),
    ]


def test_open_instruct_needs_the_tokenizer_that_wrote_its_ids(store, tmp_path):
    row = {"step": 2, "sample_idx": 0, "prompt_idx": 1, "reward": 1.0, "advantage": 0.5,
           "finish_reason": "stop", "ground_truth": [GOLD], "dataset": "gsm8k"}  # fmt: skip
    ids = {text: [ord(character) for character in text] for text in (logs.CHATML, RIGHT)}
    logs.lines(
        tmp_path / "run_rollouts_000000.jsonl",
        {**row, "prompt_tokens": ids[logs.CHATML], "response_tokens": ids[RIGHT]},
    )
    with pytest.raises(UserError, match="--tokenizer FOLDER"):
        import_rollouts(store, tmp_path, "theirs")
    import_rollouts(store, tmp_path, "theirs", decode=lambda ids: "".join(map(chr, ids)))
    columns = "step, text, advantage, finish, tokens, gold"
    query = f"select {columns} from rollouts join problems using (problem_id)"
    assert ask(store, query).rows() == [(2, RIGHT, 0.5, "stop", len(RIGHT), GOLD)]


def test_the_neutral_format_may_have_weights_or_leave_fields_out(store, tmp_path):
    counts, rows = counts_and_rows(store, logs.neutral(tmp_path))
    unknown = {"advantage": 2, "finish": 1, "reward": 2, "tokens": 1}
    assert counts == ("neutral", 2, 2, 0, 1, 1, unknown)
    assert values(rows, "text", "reward", "finish", "tokens", "recomputed") == [
        (RIGHT, 3.5, "stop", 6, ["reward", "advantage"]),
        (WRONG, 0.5, None, None, ["reward", "advantage"]),
    ]


def test_a_pickle_is_refused_with_what_to_do_instead(store, tmp_path):
    path = tmp_path / "rollout_0.pt"
    path.write_bytes(b"\x80\x02.")
    with pytest.raises(UserError, match="is a pickle: loading one runs whatever code it holds"):
        import_rollouts(store, tmp_path, "theirs")


def test_a_forced_format_is_not_detected(store, tmp_path):
    logs.verl_0(tmp_path)
    with pytest.raises(UserError, match="no rollout log that can be read"):
        import_rollouts(store, tmp_path, "theirs", "trl")


def test_what_is_no_log_is_refused_with_the_formats(store, tmp_path):
    pl.DataFrame({"a": [1]}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(UserError, match="Expected one of: trl, TRL's"):
        import_rollouts(store, tmp_path, "theirs")


def test_a_trace_that_is_unusable_leaves_the_rest_of_its_episode(store, tmp_path):
    path = logs.prime_rl(tmp_path / "prime") / "rollouts" / "step_5" / "train"
    episode = json.loads((path / "all" / "traces.jsonl").read_text().splitlines()[0])
    [trace] = episode["traces"]
    episode["traces"] = [trace, {**trace, "nodes": []}, 3, {**trace, "nodes": [{"sampled": 1}]}]
    logs.lines(path / "all" / "traces.jsonl", episode)
    assert counts_of(store, tmp_path / "prime", "a") == (4, 2, 2)
    path = next(logs.rllm(tmp_path / "rllm").rglob("episode_hash0_id0.json"))
    episode = json.loads(path.read_text())
    [trajectory] = episode["trajectories"]
    episode["trajectories"] = [{"steps": []}, None, trajectory, {"steps": "a"}, trajectory]
    path.write_text(json.dumps(episode))
    assert counts_of(store, tmp_path / "rllm", "b") == (6, 3, 3)


def test_ids_of_episodes_may_be_numbers_and_the_run_its_name_alone(store, tmp_path):
    for path in logs.prime_rl(tmp_path).rglob("traces.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        logs.lines(path, *({**row, "id": int(row["id"][1:]), "run": "a"} for row in rows))
    _, rows = counts_and_rows(store, tmp_path)
    assert values(rows, "step", "discarded", "recomputed") == [
        (5, False, ["reward"]), (5, False, ["reward"]), (5, True, ["reward"])
    ]  # fmt: skip


@pytest.mark.parametrize("is_file", [False, True])
def test_a_folder_of_held_out_rollouts_is_held_out_where_it_is_imported(store, tmp_path, is_file):
    path = logs.verl_0(tmp_path / "validation")
    summary = import_rollouts(store, path / "3.jsonl" if is_file else path, "theirs")
    assert summary["split"] == "eval"


def test_a_column_of_answers_is_no_reward_and_a_total_of_some_parts_is_computed(store, tmp_path):
    row = {"step": 1, "prompt": QUESTION, "answer": 7.0}
    rows = [
        {**row, "completion": RIGHT, "a": 1.0, "b": None},
        {**row, "completion": WRONG, "a": None, "b": 0.5},
    ]
    pl.DataFrame(rows).write_parquet(tmp_path / "completions_00001.parquet")
    _, rows = counts_and_rows(store, tmp_path)
    assert values(rows, "reward", "gold", "recomputed") == [
        (1.0, "7.0", ["reward", "advantage"]), (0.5, "7.0", ["reward", "advantage"])
    ]  # fmt: skip
    assert parts(rows[0]) == [("a", 1.0, 1.0), ("b", None, 1.0)]


def test_a_reward_that_is_infinite_or_overflows_is_unknown(store, tmp_path):
    row = {"step": 1, "question": QUESTION, "text": RIGHT}
    path = logs.lines(
        tmp_path / "a.jsonl",
        {**row, "reward": float("inf")},
        {**row, "rewards": {"a": float("-inf")}},
        {**row, "rewards": {"a": {"value": 1e308, "weight": 10}}},
    )
    _, rows = counts_and_rows(store, path)
    assert values(rows, "reward", "recomputed") == [(None, [])] * 3


def counts_of(store: Store, path: Path, name: str) -> tuple[int, int, int]:
    """read, imported, rejected"""
    summary = import_rollouts(store, path, name)
    return summary["read"], summary["imported"], summary["rejected"]
