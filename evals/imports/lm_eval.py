"""Samples of lm-evaluation-harness, as `lm_eval --log_samples` writes them.

A line is one document (`doc_id`, `doc`, `target`) under one filter: `resps` holds the texts, as
many as there were repeats, and `exact_match` or `acc` the filter's verdict. A task with two filters
writes each generation twice, which is one generation here.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from evals.imports.records import (
    Found,
    Generation,
    Line,
    Rejection,
    Repeated,
    Unusable,
    first_text,
    gold_of,
    problem_of,
    text_of,
)

QUESTIONS = ("question", "problem", "query")  # where a document has its question, by preference
VERDICTS = ("exact_match", "acc")  # metrics that are 1 where a response is right, by preference


@dataclass(frozen=True)
class _Document:
    """The generations of one document, and the filters that it came under so far."""

    generations: list[Generation]
    filters: frozenset[str]


def is_sample(row: dict[str, Any]) -> bool:
    return "doc_id" in row and "resps" in row


def generations(lines: Iterable[Line | Rejection]) -> Iterator[Found]:
    """Each text once: as a generation, or as repeated under another filter.

    Generations come last, in the order of their documents, since the last line may still touch a
    label: it is kept where all filters agree and there is one response, else unknown. Documents
    with the same question and gold are one problem, and number their samples on.
    """
    documents: dict[tuple[str, str], _Document] = {}
    for line in lines:
        if isinstance(line, Rejection):
            yield line
            continue
        try:
            found = _document(line)
            key = (repr(line.row["doc_id"]), found.generations[0].problem_id)
            known = documents.get(key)
            documents[key] = _joined(known, found) if known else found
        except Unusable as reason:
            yield Rejection(line.number, str(reason), line.content)
        else:
            if known:
                yield from (Repeated(line.number) for _ in found.generations)
    samples: Counter[str] = Counter()
    for document in documents.values():
        for generation in document.generations:
            yield replace(generation, sample=samples[generation.problem_id])
            samples[generation.problem_id] += 1


def _joined(known: _Document, again: _Document) -> _Document:
    if known.filters & again.filters:
        raise Unusable("the document came before under the same filter")
    pairs = list(zip(known.generations, again.generations, strict=False))
    if len(known.generations) != len(again.generations) or any(a.text != b.text for a, b in pairs):
        raise Unusable("the document came before with other texts")
    agreed = [replace(a, label=a.label if a.label == b.label else None) for a, b in pairs]
    return _Document(agreed, known.filters | again.filters)


def _document(line: Line) -> _Document:
    row = line.row
    if not is_sample(row):
        raise Unusable("no doc_id and resps")
    texts, question, gold = _texts(row["resps"]), _question(row), _gold(row)
    label = _label(row) if len(texts) == 1 else None
    name = row.get("filter")  # the first versions wrote none
    generations = [
        Generation(
            line=line.number,
            problem_id=problem_of(question, gold),
            question=question,
            gold=gold,
            text=text,
            label=label,
        )
        for text in texts
    ]
    return _Document(generations, frozenset([name] if isinstance(name, str) else []))


def _texts(resps: Any) -> list[str]:
    """The texts of all requests, of which each has as many as there were repeats."""
    if not isinstance(resps, list):
        raise Unusable("resps is no list")
    every = [
        said for request in resps for said in (request if isinstance(request, list) else [request])
    ]
    if not every:
        raise Unusable("resps is empty")
    if any(isinstance(said, list) for said in every):
        raise Unusable("resps holds likelihoods of given answers, no texts")
    if not all(isinstance(said, str) for said in every):
        raise Unusable("resps holds something that is no text")
    return [text_of(said) or "" for said in every]


def _question(row: dict[str, Any]) -> str:
    doc = row.get("doc")
    stated = [doc.get(name) for name in QUESTIONS] if isinstance(doc, dict) else []
    for text in (*stated, _prompt(row.get("arguments"))):
        if isinstance(text, str) and text.strip():
            return text_of(text) or ""
    raise Unusable(f"no {', '.join(QUESTIONS)} in doc, and no prompt in arguments")


def _prompt(arguments: Any) -> Any:
    """The first argument of the first request: of a list of lists, or of named dicts of dicts."""
    for _ in range(2):
        if isinstance(arguments, dict):
            arguments = list(arguments.values())
        if not isinstance(arguments, list) or not arguments:
            return None
        arguments = arguments[0]
    return arguments


def _gold(row: dict[str, Any]) -> str:
    target, doc = first_text(row.get("target")), row.get("doc")
    answer = doc.get("answer") if isinstance(doc, dict) else None
    if isinstance(answer, str) and "####" in answer and "####" not in (target or ""):
        target = text_of(answer)
    if target is None:
        raise Unusable("target is no text")
    return gold_of(target)


def _label(row: dict[str, Any]) -> bool | None:
    verdict = next((row[name] for name in VERDICTS if name in row), None)
    return bool(verdict) if verdict in (0, 1) else None
