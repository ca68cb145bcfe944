"""A filter over generations: what may be asked of each, as an address says it and as SQL does.

Values reach the engine bound, as numbers that stand for known values; no text of an address does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from evals.failures import CATEGORIES
from evals.graders import GRADERS

STRICT = "strict"
RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"
NOTHING_WRONG, NOT_LOOKED_AT = "nothing found", "not looked at"
CATEGORY_VALUES = (*CATEGORIES, NOTHING_WRONG, NOT_LOOKED_AT)  # place in it: bit of the mask
LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)  # edges of the bands [tokens]
LENGTH_VALUES = (
    f"under {LENGTHS[0]}",
    *(f"{low} to {high - 1}" for low, high in pairwise(LENGTHS)),
    f"{LENGTHS[-1]} and more",
    UNKNOWN,
)
DIFFICULTY_VALUES = (  # share of all stored answers to the problem that are right
    "never right",
    "right half the time or less",
    "right more often than not",
    "always right",
    UNKNOWN,
)
FIXED: dict[str, tuple[str, ...]] = {  # facets whose values no store changes, by their code
    "correct": (WRONG, RIGHT, UNKNOWN),
    "format": ("not in format", "in format", UNKNOWN),
    "finish": ("stop", "length", UNKNOWN),
    "length": LENGTH_VALUES,
    "difficulty": DIFFICULTY_VALUES,
    "category": CATEGORY_VALUES,
}
# facet -> what holds for rows of `generations` that one of the codes in $facet fits
CODED = ("stage", "run", "correct", "format", "finish", "length", "steps", "difficulty", "source")
CLAUSES = {name: f"list_contains(${name}, {name})" for name in CODED} | {
    "category": "(category & $category) <> 0",
    "tag": "place in (select place from tagged where list_contains($tag, tag))",
    "text": "place in (select place from hits)",
}
FACETS = (
    *("stage", "run", "correct", "category", "format", "finish", "length", "steps"),
    *("difficulty", "source", "tag"),
)
LONGEST = 1_000  # characters of a text that is looked for
MOST = 200  # values of one facet that an address may choose


@dataclass(frozen=True)
class Filter:
    """What generations must be: of each facet one of the chosen values, where any is chosen."""

    grader: str = STRICT
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""  # stands in the generated text, letter for letter

    def key(self) -> tuple[Any, ...]:
        """The same for equal filters: what an answer is cached by."""
        chosen = tuple((name, self.of(name)) for name in FACETS if self.of(name))
        return self.grader, chosen, self.text

    def of(self, facet: str) -> tuple[str, ...]:
        return self.chosen.get(facet, ())

    def choosing(self, facet: str, values: Sequence[str]) -> "Filter":
        """This filter with other values of one facet."""
        return replace(self, chosen={**self.chosen, facet: tuple(values)})


def of_address(address: Mapping[str, Sequence[str]]) -> Filter:
    """The filter that an address (name -> its values) asks for.

    Values are taken as they are: those that no row has fit none. What is no facet is left alone.
    """
    grader = (list(address.get("grader", ())) or [STRICT])[-1]
    return Filter(
        grader if grader in GRADERS else STRICT,
        {name: tuple(dict.fromkeys(address[name]))[:MOST] for name in FACETS if address.get(name)},
        (list(address.get("text", ())) or [""])[-1][:LONGEST],
    )


def to_address(filter: Filter) -> dict[str, list[str]]:
    """The shortest address of which `of_address` makes this filter."""
    address = {name: list(filter.of(name)) for name in FACETS if filter.of(name)}
    if filter.grader != STRICT:
        address["grader"] = [filter.grader]
    if filter.text:
        address["text"] = [filter.text]
    return address


def where(
    filter: Filter, values: Mapping[str, Sequence[str]], but: str | None = None
) -> tuple[str, dict[str, Any]]:
    """The condition on rows of `generations`, and the values that it binds.

    values: facet -> its values in the order of their codes   but: a facet that does not count
    """
    conditions, bound = ["true"], {}
    for name in FACETS:
        if not filter.of(name) or name == but:
            continue
        codes = {value: code for code, value in enumerate(values[name])}
        found = [codes[value] for value in filter.of(name) if value in codes]
        bound[name] = sum(1 << code for code in found) if name == "category" else found
        conditions.append(CLAUSES[name])
    if filter.text:
        conditions.append(CLAUSES["text"])
    return " and ".join(conditions), bound
