"""Logs of Inspect AI, read by its own reader: every sample and epoch is a generation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import UserError
from evals.imports.records import (
    Found,
    Generation,
    Rejection,
    Unusable,
    first_text,
    gold_of,
    problem_of,
    text_of,
)

HEAD = 4_096  # bytes of a .json that hold the first keys of a log
KEYS = (b'"version"', b'"status"', b'"eval"')
# Large, and no part of a generation. (A log is read as a whole for all that: sample by sample
# its reader opens the file anew for each.)
NOT_READ = {"attachments", "events", "messages", "store", "timelines"}
FINISHES = {"stop": "stop", "max_tokens": "length", "model_length": "length"}


def is_log(path: Path) -> bool:
    """By its suffix; a .json by the first keys too, since other files are called so."""
    if path.suffix.lower() != ".json":
        return path.suffix.lower() == ".eval"
    with path.open("rb") as file:
        head = file.read(HEAD)
    return all(key in head for key in KEYS)


def generations(path: Path) -> Iterator[Found]:
    """What each sample says, in the log's order.

    An epoch is a sample of its problem. Samples with the same question and target are one problem,
    and number on after the epochs. Reasoning that the log holds apart comes first in the text, as
    <think>…</think>. A label is kept where all scorers agree.
    """
    log = _read(path)
    epochs = log.eval.config.epochs or 1
    asked: dict[str, list[int | str]] = {}
    for number, sample in enumerate(log.samples or [], 1):
        try:
            question, gold = _question(sample.input), _gold(sample.target)
            problem = problem_of(question, gold)
            text = _text(sample)
        except Unusable as reason:
            yield Rejection(number, str(reason), _shown(sample))
            continue
        ids = asked.setdefault(problem, [])
        if sample.id not in ids:
            ids.append(sample.id)
        usage, choices = sample.output.usage, sample.output.choices
        yield Generation(
            line=number,
            problem_id=problem,
            question=question,
            gold=gold,
            text=text,
            sample=sample.epoch - 1 + epochs * ids.index(sample.id),
            label=_label(sample.scores or {}),
            finish=FINISHES.get(choices[0].stop_reason) if choices else None,
            tokens=usage.output_tokens or None if usage else None,
        )


def _read(path: Path) -> Any:
    try:  # forty packages, which nothing but this function needs
        from inspect_ai.log import read_eval_log  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "inspect_ai":
            raise
        raise UserError(
            f"{path} is a log of Inspect AI; expected its reader to be installed. "
            "Run pip install 'thinkbench[inspect]'."
        ) from error
    try:
        kind: Any = path.suffix.lower().removeprefix(".")  # "eval" or "json"
        log = read_eval_log(str(path), format=kind, exclude_fields=NOT_READ)
    except Exception as error:  # of the zip, of zstandard, of three readers of JSON, of pydantic
        found = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"{path} is no whole log of Inspect AI: {found}. Expected what inspect eval writes as "
            ".eval or .json. Check that it was copied whole, or copy it again."
        ) from error
    if not log.samples:
        raise UserError(
            f"{path} is a log of Inspect AI without samples (status {log.status}). Expected some. "
            "Give the log of a run that got as far as its samples."
        )
    return log


def _question(asked: Any) -> str:
    if not isinstance(asked, str):
        asked = "\n\n".join(message.text for message in asked if message.role == "user")
    if not asked.strip():
        raise Unusable("no question in the input")
    return text_of(asked) or ""


def _gold(target: Any) -> str:
    gold = first_text(target)
    if gold is None:
        raise Unusable("no target")
    return gold_of(gold)


def _text(sample: Any) -> str:
    if sample.error:
        raise Unusable("the sample ended in an error")
    output = sample.output
    if not output.choices and not output.completion:
        raise Unusable("no output")
    parts = output.choices[0].message.content if output.choices else ""
    thoughts = [] if isinstance(parts, str) else [p for p in parts if p.type == "reasoning"]
    said = [_thought(part) for part in thoughts]
    return text_of("\n".join([*filter(None, said), output.completion])) or ""


def _thought(part: Any) -> str:
    """Empty where a provider gives out neither the reasoning nor a summary of it."""
    reasoning = part.summary if part.redacted else part.reasoning
    return f"<think>{reasoning}</think>" if reasoning else ""


def _label(scores: dict[str, Any]) -> bool | None:
    said = [_verdict(score.value) for score in scores.values()]
    return said[0] if said and all(label == said[0] for label in said) else None


def _verdict(value: Any) -> bool | None:
    """C and I are Inspect's correct and incorrect; P is partial and N no answer: unknown."""
    if value in ("C", "I"):
        return value == "C"
    return bool(value) if value in (0, 1) else None


def _shown(sample: Any) -> str:
    error = sample.error.message if sample.error else None
    return json.dumps({"id": sample.id, "epoch": sample.epoch, "error": error}, ensure_ascii=False)
