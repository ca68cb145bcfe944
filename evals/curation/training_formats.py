"""Rows of a subset in the formats that other trainers read, and the texts that they hold.

A prompt format says what stands around question, reasoning and answer; a row format says in which
fields. `parsed` gets reasoning and answer back from a completion of either.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from data.errors import UserError
from data.response_format import (
    ANSWER_CLOSE,
    ANSWER_OPEN,
    INSTRUCTION,
    REASONING_CLOSE,
    REASONING_OPEN,
    render,
    user_turn,
)

THINK_OPEN, THINK_CLOSE = "<think>\n", "\n</think>\n\n"  # as DeepSeek-R1 and Qwen3 write it
Row = dict[str, Any]


class PromptFormat(NamedTuple):
    """user: from a question to the user's turn   completion: from reasoning and answer

    parsed: from a completion to both; None where it cannot tell them apart
    """

    user: Callable[[str], str]
    completion: Callable[[str, str], str]
    parsed: Callable[[str], tuple[str, str] | None]


def _as_it_is(question: str) -> str:
    return question


def _think(reasoning: str, answer: str) -> str:
    return f"{THINK_OPEN}{reasoning}{THINK_CLOSE}{answer}"


def _plain(reasoning: str, answer: str) -> str:
    return f"{reasoning}\n\n{answer}"


def _parsed_tags(text: str) -> tuple[str, str] | None:
    between = f"{REASONING_CLOSE}\n{ANSWER_OPEN}"
    if not (text.startswith(REASONING_OPEN) and text.endswith(ANSWER_CLOSE) and between in text):
        return None
    reasoning, _, answer = text.removeprefix(REASONING_OPEN).rpartition(between)
    return reasoning, answer.removesuffix(ANSWER_CLOSE)


def _parsed_think(text: str) -> tuple[str, str] | None:
    if not text.startswith(THINK_OPEN) or THINK_CLOSE not in text:
        return None
    reasoning, _, answer = text.removeprefix(THINK_OPEN).rpartition(THINK_CLOSE)
    return reasoning, answer


PROMPT_FORMATS = {
    "ours": PromptFormat(user_turn, render, _parsed_tags),
    "think": PromptFormat(_as_it_is, _think, _parsed_think),
    "plain": PromptFormat(_as_it_is, _plain, lambda text: None),
}


def _user(text: str) -> list[Row]:
    return [{"role": "user", "content": text}]


def _assistant(text: str) -> list[Row]:
    return [{"role": "assistant", "content": text}]


def _messages(row: Row, form: PromptFormat) -> Row:
    answer = form.completion(row["reasoning"], row["answer"])
    return {"messages": _user(form.user(row["prompt"])) + _assistant(answer)}


def _prompt_completion(row: Row, form: PromptFormat) -> Row:
    return {
        "prompt": _user(form.user(row["prompt"])),
        "completion": _assistant(form.completion(row["reasoning"], row["answer"])),
    }


def _sharegpt(row: Row, form: PromptFormat) -> Row:
    answer = form.completion(row["reasoning"], row["answer"])
    turns = (("human", form.user(row["prompt"])), ("gpt", answer))
    return {"conversations": [{"from": name, "value": text} for name, text in turns]}


def _alpaca(row: Row, form: PromptFormat) -> Row:
    """Our instruction stands in its own field, the question in the input."""
    output = form.completion(row["reasoning"], row["answer"])
    if form is PROMPT_FORMATS["ours"]:
        return {"instruction": INSTRUCTION, "input": row["prompt"], "output": output}
    return {"instruction": form.user(row["prompt"]), "input": "", "output": output}


def _verl(row: Row, form: PromptFormat) -> Row:
    """A prompt with its reference answer, which verl's rule-based rewards read."""
    question = row["prompt"] if "prompt" in row else row["question"]
    gold = row["answer"] if "prompt" in row else row["gold"]
    return {
        "data_source": row["source"],
        "prompt": _user(form.user(question)),
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": gold},
        "extra_info": {"split": "train", "index": row["id"], "question": question},
    }


def _raw(row: Row, form: PromptFormat) -> Row:
    return row


# of records; verl and the raw rows of problems too
ROW_FORMATS: dict[str, Callable[[Row, PromptFormat], Row]] = {
    "messages": _messages,
    "prompt-completion": _prompt_completion,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "verl": _verl,
    "jsonl": _raw,
    "parquet": _raw,
}
OF_PROBLEMS = ("verl", "jsonl", "parquet")
OF_ANSWERS = ("preference", "kto")  # evals/curation/preferences.py


def formatted(row: Row, row_format: str, prompt_format: str) -> Row:
    """One row of a subset in a row format; `id` names the record or problem."""
    fields = ROW_FORMATS[row_format](row, PROMPT_FORMATS[prompt_format])
    return fields if row_format in ("jsonl", "parquet") else fields | {"id": row["id"]}


def check_format(row_format: str, of: str | None) -> None:
    """Refuse a format that a subset of records, or of problems, cannot fill."""
    allowed = (*OF_PROBLEMS, *OF_ANSWERS) if of == "problems" else tuple(ROW_FORMATS)
    if row_format not in allowed:
        why = (
            "problems have no reasoning" if of == "problems" else "records have no sampled answers"
        )
        raise UserError(
            f"a subset of {of} cannot be written as {row_format}: {why}. Expected one of"
            f" {', '.join(allowed)}, or name a subset of"
            f" {'records' if of == 'problems' else 'problems'}."
        )
