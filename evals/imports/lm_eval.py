"""Samples of lm-evaluation-harness, in the format of `lm_eval --log_samples`.

A line is one document (`doc_id`, `doc`, `target`) with one filter: `resps` has the texts, one per
repeat, and `exact_match` or `acc` the verdict of the filter. A task with two filters writes each
generation twice; here it is one generation.
"""

from ast import literal_eval
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from evals.imports.records import (
    Generation,
    Line,
    Record,
    Rejection,
    Repeated,
    UnusableRow,
    gold_of_targets,
    problem_id_of,
    text_of,
)

# Fields of a document, in lower case, by preference: their case differs from task to task.
QUESTIONS = ("question", "problem", "query", "input_question", "problem_statement", "prompt")
ANSWERS = ("answer", "solution")
DEPTH = 4  # levels of a document that may hold its list of correct answers
VERDICTS = ("exact_match", "acc")  # metrics that are 1 for a correct response, by preference


@dataclass(frozen=True)
class _Document:
    """The generations of one document, and its filters so far."""

    generations: list[Generation]
    filters: frozenset[str]


def is_sample(row: dict[str, Any]) -> bool:
    return "doc_id" in row and "resps" in row


def generations(lines: Iterable[Line | Rejection]) -> Iterator[Record]:
    """Each text once as a generation; for further filters as `Repeated`.

    Generations come last, in the order of their documents, because even the last line may change a
    label: a label remains if all filters agree and there is one response, else it is unknown.
    Documents with the same question and gold are one problem; their samples are numbered on.
    """
    documents: dict[tuple[str, str], _Document] = {}
    for line in lines:
        if isinstance(line, Rejection):
            yield line
            continue
        try:
            document = _document(line)
            key = (repr(line.row["doc_id"]), document.generations[0].problem_id)
            earlier = documents.get(key)
            documents[key] = _merge(earlier, document) if earlier else document
        except UnusableRow as reason:
            yield Rejection(line.number, str(reason), line.content)
        else:
            if earlier:
                yield from (Repeated(line.number) for _ in document.generations)
    samples: Counter[str] = Counter()
    for document in documents.values():
        for generation in document.generations:
            yield replace(generation, sample=samples[generation.problem_id])
            samples[generation.problem_id] += 1


def _merge(earlier: _Document, later: _Document) -> _Document:
    if earlier.filters & later.filters:
        raise UnusableRow("the document came before under the same filter")
    pairs = list(zip(earlier.generations, later.generations, strict=False))
    if len(earlier.generations) != len(later.generations) or any(
        a.text != b.text for a, b in pairs
    ):
        raise UnusableRow("the document came before with other texts")
    agreed = [replace(a, label=a.label if a.label == b.label else None) for a, b in pairs]
    return _Document(agreed, earlier.filters | later.filters)


def _document(line: Line) -> _Document:
    row = line.row
    if not is_sample(row):
        raise UnusableRow("no doc_id and resps")
    texts, question, gold = _texts(row["resps"]), _question(row), _gold(row)
    label = _label(row) if len(texts) == 1 else None
    name = row.get("filter")  # the first versions of the harness wrote none
    generations = [
        Generation(
            line=line.number,
            problem_id=problem_id_of(question, gold),
            question=question,
            gold=gold,
            text=text,
            label=label,
        )
        for text in texts
    ]
    return _Document(generations, frozenset([name] if isinstance(name, str) else []))


def _texts(resps: Any) -> list[str]:
    """The texts of all requests; each request has one text per repeat."""
    if not isinstance(resps, list):
        raise UnusableRow("resps is no list")
    texts = [
        text for request in resps for text in (request if isinstance(request, list) else [request])
    ]
    if not texts:
        raise UnusableRow("resps is empty")
    if any(isinstance(text, list) for text in texts):
        raise UnusableRow("resps holds likelihoods of given answers, no texts")
    if not all(isinstance(text, str) for text in texts):
        raise UnusableRow("resps holds something that is no text")
    return [text_of(text) or "" for text in texts]


def _question(row: dict[str, Any]) -> str:
    fields = _fields(row)
    for text in (*(fields.get(name) for name in QUESTIONS), _prompt(row.get("arguments"))):
        if isinstance(text, str) and text.strip():
            return text_of(text) or ""
    raise UnusableRow(f"no {', '.join(QUESTIONS[:3])} in doc, and no prompt in arguments")


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    """The fields of the document by their names in lower case; of two the first that is text."""
    doc = row.get("doc")
    fields: dict[str, Any] = {}
    for name, value in doc.items() if isinstance(doc, dict) else ():
        key = name.lower().replace(" ", "_")
        if not isinstance(fields.get(key), str):
            fields[key] = value
    return fields


def _prompt(arguments: Any) -> Any:
    """The first argument of the first request, in a list of lists or in nested dicts."""
    for _ in range(2):
        if isinstance(arguments, dict):
            arguments = list(arguments.values())
        if not isinstance(arguments, list) or not arguments:
            return None
        arguments = arguments[0]
    return arguments


def _gold(row: dict[str, Any]) -> str:
    target, fields = _targets(row), _fields(row)
    for answer in (fields.get(name) for name in ANSWERS):
        if isinstance(answer, str) and "####" in answer and "####" not in str(target):
            target = answer
    gold = gold_of_targets(target)
    if gold is None:
        raise UnusableRow("target is no text, nor a list of texts")
    return gold


def _targets(row: dict[str, Any]) -> Any:
    """The target of a row, or the list of targets of which each is correct.

    The harness writes a list as Python shows it. A text of that form is a list if its entries are
    texts or the document has that list, and if the document does not have the text itself.
    """
    target = row.get("target")
    if not isinstance(target, str) or not target.startswith("["):
        return target
    try:
        targets = literal_eval(target)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return target
    values = list(_values(row.get("doc"), DEPTH))
    is_list = isinstance(targets, list) and bool(targets) and target not in values
    is_of_texts = is_list and all(isinstance(entry, str) for entry in targets)
    return targets if is_of_texts or (is_list and targets in values) else target


def _values(value: Any, depth: int) -> Iterator[Any]:
    """All values within a document, down to `depth` levels."""
    yield value
    if isinstance(value, dict | list) and depth:
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _values(inner, depth - 1)


def _label(row: dict[str, Any]) -> bool | None:
    verdict = next((row[name] for name in VERDICTS if name in row), None)
    return bool(verdict) if verdict in (0, 1) else None
