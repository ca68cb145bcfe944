"""A filter over generations: its facets and their values, to and from an address, and as SQL.

Values of an address reach the engine only as bound codes of known values, never as SQL text.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from evals.failures import CATEGORIES, ONLY_LENIENT
from evals.graders import GRADERS
from evals.scores import JUDGE

STRICT = "strict"
RIGHT, WRONG, UNKNOWN = "right", "wrong", "unknown"
NO_ERROR, NOT_CATEGORISED = "nothing found", "not looked at"  # as addresses have them
CATEGORY_VALUES = (*CATEGORIES, NO_ERROR, NOT_CATEGORISED)  # the index is the bit of the mask
LENGTHS = (64, 128, 256, 512, 1024, 2048, 4096)  # edges of the bands [tokens]
LENGTH_VALUES = (
    f"under {LENGTHS[0]}",
    *(f"{low} to {high - 1}" for low, high in pairwise(LENGTHS)),
    f"{LENGTHS[-1]} and more",
    UNKNOWN,
)
DIFFICULTY_VALUES = (  # share of correct generations among all stored ones of the problem
    "never right",
    "right half the time or less",
    "right more often than not",
    "always right",
    UNKNOWN,
)
FIXED: dict[str, tuple[str, ...]] = {  # facets whose values are the same in every store, by code
    "correct": (WRONG, RIGHT, UNKNOWN),
    "format": ("not in format", "in format", UNKNOWN),
    "finish": ("stop", "length", UNKNOWN),
    "length": LENGTH_VALUES,
    "difficulty": DIFFICULTY_VALUES,
    "category": CATEGORY_VALUES,
}
# facets whose column in a snapshot holds a code; CLAUSES: facet -> its condition in SQL
CODED = ("stage", "run", "correct", "format", "finish", "length", "steps", "difficulty", "source")
CLAUSES = {name: f"list_contains(${name}, {name})" for name in CODED} | {
    "category": "(category & $category) <> 0",
    "tag": "position in (select position from tagged where list_contains($tag, tag))",
    "text": "position in (select position from hits)",
}
FACETS = (
    *("stage", "run", "correct", "category", "format", "finish", "length", "steps"),
    *("difficulty", "source", "tag"),
)
TITLES = {  # facet -> what pages call it
    "stage": "Stage",
    "run": "Run",
    "correct": "Correctness",
    "category": "Error type",
    "format": "Format",
    "finish": "Stop reason",
    "length": "Length in tokens",
    "steps": "Solution steps",
    "difficulty": "Pass rate across all runs",
    "source": "Source",
    "tag": "Tag",
}
CHECKED = tuple(facet for facet in FACETS if facet != "tag")  # a tag may come and go
NEAREST = 3  # existing values that a message names
LONGEST = 1_000  # characters of a searched text
MOST = 200  # values of one facet that an address may choose
# value, as addresses and the store have it -> how pages show it
LABELS = {
    RIGHT: "correct",
    WRONG: "incorrect",
    "in format": "valid format",
    "not in format": "wrong format",
    "no format": "wrong format",
    ONLY_LENIENT: "correct, wrong format",
    "copied from the question": "answer equals a number in the question",
    "off by a unit": "unit conversion",
    "gold suspect": "suspect reference answer",
    "uncategorised": "no cause recognised",
    NO_ERROR: "no error",
    NOT_CATEGORISED: "not categorised",
    "never right": "never correct",
    "right half the time or less": "correct half the time or less",
    "right more often than not": "correct more often than not",
    "always right": "always correct",
}


@dataclass(frozen=True)
class Filter:
    """The generations that have, for each facet with chosen values, one of these values."""

    grader: str = STRICT
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    text: str = ""  # contained in the generated text, case-sensitive

    def key(self) -> tuple[Any, ...]:
        """The same for equal filters: the key of cached answers."""
        chosen = tuple((name, self.of(name)) for name in FACETS if self.of(name))
        return self.grader, chosen, self.text

    def of(self, facet: str) -> tuple[str, ...]:
        return self.chosen.get(facet, ())

    def choosing(self, facet: str, values: Sequence[str]) -> "Filter":
        """This filter with other values of one facet."""
        return replace(self, chosen={**self.chosen, facet: tuple(values)})


def of_address(address: Mapping[str, Sequence[str]]) -> Filter:
    """The filter that an address (name -> its values) describes.

    Values are not checked: a value that no row has matches no row. Other names are ignored. A value
    may be written as pages show it.
    """
    grader = (list(address.get("grader", ())) or [STRICT])[-1]
    return Filter(
        grader if grader in GRADERS or grader.startswith(JUDGE) else STRICT,
        {
            name: tuple(dict.fromkeys(_stored(name, value) for value in address[name]))[:MOST]
            for name in FACETS
            if address.get(name)
        },
        (list(address.get("text", ())) or [""])[-1][:LONGEST],
    )


def shown(facet: str, value: str) -> str:
    """A value of a facet as pages show it."""
    return LABELS.get(value, value) if facet in FIXED else value


def _stored(facet: str, value: str) -> str:
    """The value that pages show as `value`; `value` itself where there is none."""
    values = FIXED.get(facet, ())
    return next((name for name in values if shown(facet, name) == value), value)


def to_address(where: Filter) -> dict[str, list[str]]:
    """The shortest address from which `of_address` restores this filter."""
    address = {name: list(where.of(name)) for name in FACETS if where.of(name)}
    if where.grader != STRICT:
        address["grader"] = [where.grader]
    if where.text:
        address["text"] = [where.text]
    return address


def unknown_values(where: Filter, values: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for each chosen value that is none of its facet, with those that are similar.

    values: facet -> its values
    """
    return [
        f"no generation has {TITLES[facet]} = {value!r}; expected one that there is"
        f"{_such_as(facet, value, values[facet])}. Remove it from the filter."
        for facet in CHECKED
        for value in where.of(facet)
        if value not in values[facet]
    ]


def _such_as(facet: str, value: str, existing: Sequence[str]) -> str:
    """The existing values that are similar to `value`, as pages show them."""
    names = {name.lower(): shown(facet, name) for name in existing}
    names |= {shown(facet, name).lower(): shown(facet, name) for name in existing}
    near = get_close_matches(value.lower(), names, NEAREST)
    similar = list(dict.fromkeys(names[name] for name in near)) or list(names.values())[:NEAREST]
    return f", such as {', '.join(dict.fromkeys(similar))}" if similar else ""


def condition(
    where: Filter, values: Mapping[str, Sequence[str]], ignored: str | None = None
) -> tuple[str, dict[str, Any]]:
    """The condition on rows of a snapshot in SQL, and the values that it binds.

    values: facet -> its values in the order of their codes   ignored: a facet to leave out
    """
    clauses, bound = ["true"], {}
    for name in FACETS:
        if not where.of(name) or name == ignored:
            continue
        code_of = {value: code for code, value in enumerate(values[name])}
        codes = [code_of[value] for value in where.of(name) if value in code_of]
        bound[name] = sum(1 << code for code in codes) if name == "category" else codes
        clauses.append(CLAUSES[name])
    if where.text:
        clauses.append(CLAUSES["text"])
    return " and ".join(clauses), bound
