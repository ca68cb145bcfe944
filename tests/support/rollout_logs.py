"""Small rollout logs in the format of each trainer, with the fields that its code writes."""

import csv
import json
from pathlib import Path
from typing import Any

import polars as pl

QUESTION, GOLD = "What is 3 + 4?", "7"
RIGHT, WRONG = "It is \\boxed{7}", "It is \\boxed{8}"
CHATML = f"<|im_start|>user\n{QUESTION}<|im_end|>\n<|im_start|>assistant\n"
STRIPPED = f"system\nThink.\nuser\n{QUESTION}\nassistant\n"


def lines(path: Path, *rows: dict[str, Any] | str) -> Path:
    """A file with these rows as JSON, a row a line; a text stays as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def trl(folder: Path) -> Path:
    for step in (10, 20):
        path = folder / "completions" / f"completions_{step:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        row = {"step": step, "prompt": STRIPPED}
        pl.DataFrame(
            [
                {**row, "completion": RIGHT, "accuracy_reward": 1.0, "format_reward": 0.5,
                 "solution": "\\boxed{7}", "advantage": 0.7},
                {**row, "completion": WRONG, "accuracy_reward": float("nan"),
                 "format_reward": 0.5, "solution": "\\boxed{7}", "advantage": -0.7},
            ]
        ).write_parquet(path)  # fmt: skip
    return folder


def verl_0(folder: Path) -> Path:
    row = {"input": STRIPPED, "gts": GOLD, "step": 3}
    lines(
        folder / "3.jsonl",
        {**row, "output": RIGHT, "score": 1.0, "acc": True, "pred": "7"},
        {**row, "output": WRONG, "score": 0.0, "acc": False, "pred": "8"},
    )
    return folder


def verl_1(folder: Path) -> Path:
    """One prompt was sampled twice: as two groups."""
    row = {"input": STRIPPED, "gts": GOLD, "step": 3}
    lines(
        folder / "3.jsonl",
        *(
            {**row, "output": text, "score": score, "uid": f"{sample}_{rollout}_0"}
            for sample in ("aa", "bb")
            for rollout, (text, score) in enumerate([(RIGHT, 1.0), (WRONG, 0.0)])
        ),
    )
    return folder


def _episode(name: str, text: str, score: float, step: int) -> dict[str, Any]:
    return {
        "id": name,
        "env": {"id": "math", "name": "math"},
        "task": {"question": QUESTION, "answer": GOLD},
        "group": {"id": "g1"},
        "run": {"type": "train", "work": {"type": "train", "step": step}},
        "ok": True,
        "traces": [
            {
                "version": 1,
                "id": f"t-{name}",
                "nodes": [
                    {"message": {"role": "system", "content": "Think."}, "sampled": False},
                    {"parent": 0, "message": {"role": "user", "content": QUESTION},
                     "sampled": False},
                    {"parent": 1, "message": {"role": "assistant", "content": text},
                     "sampled": True, "token_ids": [5, 6, 7], "mask": [1, 1, 1],
                     "logprobs": [-0.1, -0.2, -0.3], "advantages": [score - 0.5] * 3},
                ],
                "rewards": {"correct": {"score": score, "weight": 2.0}, "style": None},
                "stop_condition": "max_tokens" if score == 0 else "completed",
                "calls": [{"finish_reason": "length" if score == 0 else "stop"}],
            }
        ],
    }  # fmt: skip


def prime_rl(folder: Path) -> Path:
    step = folder / "rollouts" / "step_5" / "train"
    episodes = [_episode("e1", RIGHT, 1.0, 5), _episode("e2", WRONG, 0.0, 5),
                _episode("e3", WRONG, 0.0, 5)]  # fmt: skip
    lines(step / "all" / "traces.jsonl", *episodes)
    lines(step / "effective" / "traces.jsonl", *episodes[:2])
    return folder


def verifiers(folder: Path) -> Path:
    row = {"example_id": 4, "prompt": [{"role": "user", "content": QUESTION}], "answer": GOLD,
           "is_completed": True, "metrics": {"format": 1.0}}  # fmt: skip
    lines(
        folder / "results.jsonl",
        {**row, "completion": [{"role": "assistant", "content": RIGHT}], "reward": 1.0,
         "is_truncated": False},
        {**row, "completion": WRONG, "reward": 0.0, "is_truncated": True},
    )  # fmt: skip
    return folder


def nemo_rl(folder: Path) -> Path:
    row = {"input_lengths": [9], "token_ids": [[1, 2, 3, 4]], "token_loss_mask": [[0, 0, 1, 1]],
           "sample_loss_mask": [1.0], "prev_logprobs": [[0.0] * 4]}  # fmt: skip
    lines(
        folder / "train_data_step1.jsonl",
        {**row, "content": [CHATML + RIGHT], "rewards": [1.0],
         "advantages": [[0.0, 0.0, 0.7, 0.7]], "idx": [0]},
        {**row, "content": [CHATML + WRONG + "<|im_end|>"], "rewards": [0.0],
         "advantages": [[0.0, 0.0, -0.7, -0.7]], "idx": [0]},
    )  # fmt: skip
    messages = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": WRONG}]
    lines(folder / "val_data_step1.jsonl", {"content": messages, "rewards": 0.0, "idx": 0})
    return folder


def rllm(folder: Path) -> Path:
    at = folder / "episodes" / "train_step_2_epoch_0"
    for number, (text, reward) in enumerate([(RIGHT, 1.0), (WRONG, 0.0)]):
        messages = [{"role": "user", "content": QUESTION}, {"role": "assistant", "content": text}]
        episode = {
            "training_step": 2,
            "epoch": 0,
            "episode_id": f"task-1:{number}",
            "task": {"question": QUESTION, "ground_truth": GOLD},
            "is_correct": reward == 1,
            "termination_reason": "env_done" if reward else "max_response_length_exceeded",
            "trajectories": [
                {"name": "solver", "uid": "u", "reward": reward,
                 "steps": [{"model_response": text, "chat_completions": messages,
                            "reward": reward}]}
            ],
        }  # fmt: skip
        at.mkdir(parents=True, exist_ok=True)
        (at / f"episode_hash{number}_id{number}.json").write_text(json.dumps(episode))
    return folder


def tunix(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    columns = ("conversation_text", "prompt_tokens", "conversation_tokens", "conversation_masks",
               "status", "trajectory_reward", "env_time", "reward_time", "old_logprobs",
               "policy_version", "original_input", "group_id")  # fmt: skip
    with (folder / "trajectory_log_1766.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for text, reward, status in ((RIGHT, 1.0, "SUCCEEDED"),
                                     (WRONG, 0.0, "MAX_CONTEXT_LIMIT_REACHED")):  # fmt: skip
            messages = [
                {"role": "user", "content": QUESTION},
                {"role": "assistant", "content": text},
            ]
            source = {"question": QUESTION, "answer": GOLD}
            writer.writerow([messages, [1, 2], [3, 4, 5], [1, 1, 0], status, reward, 0.1, 0.1,
                             [-0.5, -0.5, 0.0], 6, source, "g-1"])  # fmt: skip
    return folder


def neutral(folder: Path) -> Path:
    row = {"step": 1, "group": "a", "question": QUESTION, "gold": GOLD}
    lines(
        folder / "rollouts.jsonl",
        {**row, "text": RIGHT, "rewards": {"answer": {"value": 1, "weight": 3}, "format": 0.5},
         "finish": "stop", "tokens": 6},
        {**row, "text": WRONG, "rewards": {"answer": {"value": 0, "weight": 3}, "format": 0.5}},
    )  # fmt: skip
    return folder
