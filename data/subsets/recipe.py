"""How a subset is chosen: a recipe, which as JSON is kept with the subset and can be run again."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from data.store import BadEntry

KINDS = ("records", "problems")
DUPLICATES = ("keep", "exact", "near")
OF_TEXTS = ("example", "prompt")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is chosen, in the order of its steps; the fields of a filter: docs/filters.md.

    of:         records, which SFT learns from, or problems, which GRPO asks
    sources:    only these; all where there are none
    parent:     only what this subset holds, as name@version
    where:      a filter
    duplicates: keep all; or of the same words, or of nearly the same, only the first
    by:         duplicates are of whole examples, or of prompts; a problem is its question
    sample:     so many of what is left, drawn by `seed`; 0: all
    tokens:     as many of what is left, drawn by `seed`, as fit into this budget; 0: all
    run:        of problems: whose verdicts pass_rate and the like are; empty: the newest GRPO run
    grader:     of those verdicts, where the run is no GRPO run
    tokenizer:  of records: whose counts `tokens` are; empty: the one that counted last
    """

    of: str = "records"
    sources: tuple[str, ...] = ()
    parent: str = ""
    where: str = ""
    duplicates: str = "keep"
    by: str = "example"
    sample: int = 0
    tokens: int = 0
    seed: int = 0
    run: str = ""
    grader: str = "strict"
    tokenizer: str = ""

    def __post_init__(self) -> None:
        for name, known in (("of", KINDS), ("duplicates", DUPLICATES), ("by", OF_TEXTS)):
            if getattr(self, name) not in known:
                raise BadEntry(
                    f"{name} of a recipe is {getattr(self, name)!r}; expected one of"
                    f" {', '.join(known)}."
                )
        for name in ("sample", "tokens"):
            if getattr(self, name) < 0:
                raise BadEntry(f"{name} is {getattr(self, name)}; expected 0 (all) or more.")
        if self.of == "problems" and self.tokens:
            raise BadEntry("problems have no count of tokens; draw a number of them: sample.")


def to_json(recipe: Recipe) -> str:
    """What differs from the default, and what is chosen of; the same text for equal recipes."""
    plain = {one.name: one.default for one in fields(Recipe)}
    kept = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(recipe).items()
        if value != plain[name] or name == "of"
    }
    return json.dumps(kept, ensure_ascii=False)


def of_json(text: str) -> Recipe:
    """The recipe that `to_json` wrote."""
    try:
        read: dict[str, Any] = json.loads(text)
        return Recipe(**{**read, "sources": tuple(read.get("sources", ()))})
    except (json.JSONDecodeError, TypeError, AttributeError) as error:
        raise BadEntry(
            f"the filter {text[:80]!r} is no recipe ({error}); expected one that `thinkbench subset"
            " new` or the page Curate wrote."
        ) from error
