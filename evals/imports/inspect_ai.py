"""Logs of Inspect AI, read by its own reader; each sample of each epoch is a generation."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data.errors import UserError
from evals.imports.records import (
    Generation,
    Record,
    Rejection,
    UnusableRow,
    gold_of_targets,
    problem_id_of,
    text_of,
)

HEAD = 4_096  # [bytes] of a .json that contain the first keys of a log
KEYS = (b'"version"', b'"status"', b'"eval"')
# Large fields that are not part of a generation. The log is still read as a whole, because
# reading sample by sample reopens the file for each.
EXCLUDED = {"attachments", "events", "messages", "store", "timelines"}
FINISHES = {"stop": "stop", "max_tokens": "length", "model_length": "length"}


def is_log(path: Path) -> bool:
    """Whether `path` is a log, by its suffix; a .json must also have the first keys of a log."""
    if path.suffix.lower() != ".json":
        return path.suffix.lower() == ".eval"
    with path.open("rb") as file:
        head = file.read(HEAD)
    return all(key in head for key in KEYS)


def generations(path: Path) -> Iterator[Record]:
    """The records of a log, in its order.

    An epoch is a sample of its problem. Samples with the same question and target are one problem;
    their samples are numbered on. Reasoning that the log stores separately is put first in the
    text, as <think>…</think>. There is a label only if all scorers agree.
    """
    log = _read(path)
    samples = log.samples or []
    epochs = max([log.eval.config.epochs or 1, *(sample.epoch for sample in samples)])
    ids_of_problem: dict[str, list[int | str]] = {}
    for number, sample in enumerate(samples, 1):
        try:
            question, gold = _question(sample.input), _gold(sample)
            problem = problem_id_of(question, gold)
            text = _text(sample)
        except UnusableRow as reason:
            yield Rejection(number, str(reason), _shown(sample))
            continue
        ids = ids_of_problem.setdefault(problem, [])
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


def how_it_ended(path: Path, samples: int) -> str | None:
    """Status of a log that was read before, and how far it goes; None if it is whole.

    samples: that it has
    """
    from inspect_ai.log import read_eval_log  # pyright: ignore[reportMissingImports]

    log = read_eval_log(str(path), header_only=True, format=_format(path))
    if log.status == "success":
        return None
    of = log.eval.dataset.samples
    announced = f" of {of * (log.eval.config.epochs or 1):,}" if of else ""
    return f"{log.status}: {samples:,}{announced} samples"


def _format(path: Path) -> Any:
    return path.suffix.lower().removeprefix(".")  # "eval" or "json"


def _read(path: Path) -> Any:
    try:  # forty packages that only this function needs
        from inspect_ai.log import read_eval_log  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "inspect_ai":
            raise
        raise UserError(
            f"{path} is a log of Inspect AI; expected its reader to be installed. "
            "Run pip install 'thinkbench[inspect]'."
        ) from error
    try:
        log = read_eval_log(str(path), format=_format(path), exclude_fields=EXCLUDED)
    except Exception as error:  # from zip, zstandard, three JSON readers, pydantic
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise UserError(
            f"{path} is not a complete log of Inspect AI: {reason}. Expected what inspect eval"
            " writes as .eval or .json. Check that it was copied completely, or copy it again."
        ) from error
    if not log.samples:
        raise UserError(
            f"{path} is a log of Inspect AI without samples (status {log.status}). Expected some. "
            "Give the log of a run that wrote samples."
        )
    return log


def _question(prompt: Any) -> str:
    if not isinstance(prompt, str):
        prompt = "\n\n".join(message.text for message in prompt if message.role == "user")
    if not prompt.strip():
        raise UnusableRow("no question in the input")
    return text_of(prompt) or ""


def _gold(sample: Any) -> str:
    """The reference answer. Of several targets any is correct, as Inspect's scorers have it.

    But those of a multiple choice are the letters of the options that must all be chosen.
    """
    target = sample.target
    if isinstance(target, list) and sample.choices and "choice" in (sample.scores or {"choice"}):
        target = ", ".join(target)
    gold = gold_of_targets(target)
    if gold is None:
        raise UnusableRow("no target")
    return gold


def _text(sample: Any) -> str:
    if sample.error:
        raise UnusableRow("the sample ended in an error")
    output = sample.output
    if not output.choices and not output.completion:
        raise UnusableRow("no output")
    parts = output.choices[0].message.content if output.choices else ""
    reasoning = [] if isinstance(parts, str) else [p for p in parts if p.type == "reasoning"]
    thoughts = [_thought(part) for part in reasoning]
    return text_of("\n".join([*filter(None, thoughts), output.completion])) or ""


def _thought(part: Any) -> str:
    """A part of the reasoning in tags; empty where the provider hides it and its summary."""
    reasoning = part.summary if part.redacted else part.reasoning
    return f"<think>{reasoning}</think>" if reasoning else ""


def _label(scores: dict[str, Any]) -> bool | None:
    labels = [_verdict(score.value) for score in scores.values()]
    return labels[0] if labels and all(label == labels[0] for label in labels) else None


def _verdict(value: Any) -> bool | None:
    """Inspect's C is correct, I is incorrect; P (partial) and N (no answer) are unknown."""
    if value in ("C", "I"):
        return value == "C"
    return bool(value) if value in (0, 1) else None


def _shown(sample: Any) -> str:
    error = sample.error.message if sample.error else None
    return json.dumps({"id": sample.id, "epoch": sample.epoch, "error": error}, ensure_ascii=False)
