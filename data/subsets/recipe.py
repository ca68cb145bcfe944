"""Recipes: how a subset is chosen. Saved as JSON with the subset, a recipe can be run again."""

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from data.store import BadEntry

KINDS = ("records", "problems")
DUPLICATES = ("keep", "exact", "near")
OF_TEXTS = ("example", "prompt")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The steps of a selection, in their order. Fields of a filter: docs/filters.md.

    of:         records, which SFT trains on, or problems, which GRPO samples answers to
    sources:    only these; empty: all
    parent:     only rows of this subset, as name@version
    where:      a filter
    duplicates: keep; or only the first of those with the same words (exact), or of near duplicates
    by:         what is compared for duplicates: whole examples or prompts; of problems the question
    sample:     the number of rows drawn from those left, by `seed`; 0: all
    tokens:     a budget: rows are drawn from those left, by `seed`, while they fit; 0: all
    run:        of problems: the run that pass_rate etc. are of; empty: the newest GRPO run
    grader:     whose verdicts count, if the run is not a GRPO run
    tokenizer:  of records: the tokenizer of the counts; empty: the one that counted last
    converters: (source, version and rules) of the conversion that is read of each source; empty:
                the newest, or, in a version that was saved before they were stored, unknown
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
    converters: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for name, allowed in (("of", KINDS), ("duplicates", DUPLICATES), ("by", OF_TEXTS)):
            if getattr(self, name) not in allowed:
                raise BadEntry(
                    f"{name} of a recipe is {getattr(self, name)!r}; expected one of"
                    f" {', '.join(allowed)}."
                )
        for name in ("sample", "tokens"):
            if getattr(self, name) < 0:
                raise BadEntry(f"{name} is {getattr(self, name)}; expected 0 (all) or more.")
        if self.of == "problems" and self.tokens:
            raise BadEntry("problems have no count of tokens; draw a number of them: sample.")


def to_json(recipe: Recipe) -> str:
    """`of` and the fields that differ from the default; equal recipes give equal texts."""
    plain = {one.name: one.default for one in fields(Recipe)}
    changed = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(recipe).items()
        if value != plain[name] or name == "of"
    }
    if recipe.converters:
        changed["converters"] = dict(sorted(recipe.converters))
    return json.dumps(changed, ensure_ascii=False)


def of_json(text: str) -> Recipe:
    """The recipe that `to_json` wrote."""
    try:
        read: dict[str, Any] = json.loads(text)
        converters = tuple(sorted(read.get("converters", {}).items()))
        sources = tuple(read.get("sources", ()))
        return Recipe(**{**read, "sources": sources, "converters": converters})
    except (json.JSONDecodeError, TypeError, AttributeError) as error:
        raise BadEntry(
            f"the filter {text[:80]!r} is no recipe ({error}); expected one that `thinkbench subset"
            " new` or the page Curate wrote."
        ) from error
