"""A rubric: the TOML file that says what a judge is asked, by which model, and how it answers."""

import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from data.errors import UserError
from data.store import fingerprint
from evals.judge.server_url import checked_url

PREFIX = "judge:"  # of the name of a grader that is a judge
PROMPT_VERSION = 2  # of what prompt.py adds to a rubric's prompt, and of what reply.py reads
VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)  # of the environment
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
BINARY, RANK = "binary", "rank"
MOST_POINTS = 100
LIMIT_FIELDS = ("max_tokens", "max_completion_tokens")
SERVER_FIELDS = ("url", "url_env", "api_key_env")  # no error repeats what stands in them
FIELDS = ("question", "reference", "completion", "answer")
# What decides a verdict. Who is asked at which address, and how fast, does not.
DECISIVE = ("prompt", "scale", "threshold", "categories", "longest", "model", "temperature", "seed",
            "max_tokens")  # fmt: skip


class BadRubric(UserError):
    """A rubric that cannot be used."""


@dataclass(frozen=True, kw_only=True)
class Rubric:
    """What stands in the file, with its defaults.

    scale:      binary, rank (of a group's completions, for rewards), or the most points
    threshold:  points from which a completion counts as correct; 0 unless the scale has points
    categories: of failures that the judge may name; none: it is not asked for one
    longest:    characters of a completion; a longer one is not sent, and its verdict is unknown
    model:      its name on the server
    url:        of the server; empty: in the environment variable url_env
    api_key_env: the environment variable that has the key; empty: none is sent
    limit_field: of the request, by which the server limits a reply
    *_price:    per million tokens, in any currency
    """

    name: str
    prompt: str
    model: str
    scale: str | int = BINARY
    threshold: int = 0
    categories: tuple[str, ...] = ()
    longest: int = 100_000
    url: str = ""
    url_env: str = ""
    api_key_env: str = ""
    temperature: float = 0.0
    seed: int = 0
    max_tokens: int = 1024
    concurrency: int = 8
    timeout: float = 120.0
    retries: int = 5
    limit_field: str = "max_tokens"
    prompt_price: float | None = None
    completion_price: float | None = None

    @property
    def grader(self) -> str:
        """The name of the grader."""
        return f"{PREFIX}{self.name}"

    @property
    def version(self) -> str:
        """The hash of all that decides a verdict [12 hex digits]."""
        decisive = {name: getattr(self, name) for name in DECISIVE}
        return fingerprint(prompt_version=PROMPT_VERSION, **decisive)[:12]

    def cost(self, prompt_tokens: int | None, completion_tokens: int | None) -> float | None:
        """The price of a reply; None where a price or a count is unknown."""
        counted = ((prompt_tokens, self.prompt_price), (completion_tokens, self.completion_price))
        if any(tokens is None or price is None for tokens, price in counted):
            return None
        return sum(tokens * price for tokens, price in counted if tokens and price) / 1e6


KINDS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("name", "prompt", "model", "url", "url_env", "api_key_env"), (str,)),
    "limit_field": (str,),
    **dict.fromkeys(("threshold", "longest", "seed", "max_tokens"), (int,)),
    **dict.fromkeys(("concurrency", "retries"), (int,)),
    **dict.fromkeys(("temperature", "timeout", "prompt_price", "completion_price"), (int, float)),
    "scale": (str, int),
    "categories": (list,),
}  # fmt: skip
WORDS = {str: "a text", int: "a whole number", float: "a number", list: "a list of texts"}


def parse(text: str) -> Rubric:
    """The rubric in the text of a TOML file; BadRubric says what is wrong with it."""
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRubric(f"the rubric is no TOML: {error}. Correct the file.") from error
    for name, value in values.items():
        _check_kind(name, value)
    if missing := [name for name in ("name", "prompt", "model") if name not in values]:
        raise BadRubric(
            f"the rubric has no {missing[0]}; expected at least name, prompt and model. Add it."
        )
    values["categories"] = tuple(values.get("categories", ()))
    rubric = Rubric(**values)
    _check_name(rubric)
    _check_server(rubric)
    _check_prompt(rubric)
    _check_scale(rubric)
    _check_categories(rubric)
    _check_numbers(rubric)
    return rubric


def _check_kind(name: str, value: Any) -> None:
    if name not in KINDS:
        raise BadRubric(
            f"the rubric has a field {name!r}; expected some of"
            f" {', '.join(field.name for field in fields(Rubric))}. Remove or rename it."
        )
    # a bool is an int in Python
    if not isinstance(value, KINDS[name]) or isinstance(value, bool):
        expected = " or ".join(WORDS[kind] for kind in KINDS[name])
        shown = f" is {value!r}" if name not in SERVER_FIELDS else " is of another kind"
        raise BadRubric(f"{name}{shown}; expected {expected}. Correct it in the rubric.")


def _check_name(rubric: Rubric) -> None:
    if not NAME.fullmatch(rubric.name):
        raise BadRubric(
            f"name is {rubric.name!r}; expected 1 to 40 of a-z, 0-9, '-' and '_', the first of them"
            " a letter or digit. Choose another."
        )
    if not rubric.model.strip():
        raise BadRubric("model is empty; expected the model's name on its server. Name it.")
    if rubric.limit_field not in LIMIT_FIELDS:
        raise BadRubric(
            f"limit_field is {rubric.limit_field!r}; expected one of {', '.join(LIMIT_FIELDS)}."
        )


def _check_server(rubric: Rubric) -> None:
    """One address, and no secret in what is stored and shown."""
    if rubric.url and rubric.url_env:
        raise BadRubric("the rubric has both url and url_env; expected one of them. Remove one.")
    if not rubric.url and not rubric.url_env:
        raise BadRubric(
            f"the rubric {rubric.name!r} has no url; a judge is asked on a server, and expected is"
            ' its address, as url = "http://127.0.0.1:8000/v1". For a model of your own start a'
            " local server with an OpenAI-compatible API, as `vllm serve MODEL`, and write that."
        )
    for field in ("url_env", "api_key_env"):
        if (variable := getattr(rubric, field)) and not VARIABLE.fullmatch(variable):
            raise BadRubric(
                f"{field} of the rubric {rubric.name!r} is no name of an environment variable;"
                " expected letters, digits and '_', as JUDGE_KEY. Write the name there, and the"
                " value into that variable: a rubric is stored and shown."
            )
    if rubric.url:
        try:
            checked_url(rubric.url)
        except UserError as error:
            raise BadRubric(f"url of the rubric {rubric.name!r}: {error}") from None


def _check_prompt(rubric: Rubric) -> None:
    try:
        parts = list(string.Formatter().parse(rubric.prompt))
    except ValueError as error:
        raise BadRubric(
            f"prompt has a brace that closes or opens nothing ({error}); expected {{completion}}"
            " and other fields. Write {{ and }} for braces."
        ) from error
    names = [name for _, name, _, _ in parts if name is not None]
    odd = [name for name in names if name not in FIELDS]
    if odd or any(form or conversion for _, _, form, conversion in parts):
        raise BadRubric(
            f"prompt has the field {{{(odd or names)[0]}}} in a form that is not known; expected"
            f" {', '.join(f'{{{name}}}' for name in FIELDS)}. Write {{{{ and }}}} for braces."
        )
    if "completion" not in names:
        raise BadRubric("prompt has no {completion}; expected it where the text to judge stands.")


def _check_scale(rubric: Rubric) -> None:
    points = rubric.scale if isinstance(rubric.scale, int) else 0
    if isinstance(rubric.scale, str) and rubric.scale not in (BINARY, RANK):
        raise BadRubric(
            f"scale is {rubric.scale!r}; expected {BINARY!r}, {RANK!r} or the most points, as 5."
        )
    if isinstance(rubric.scale, int) and not 2 <= points <= MOST_POINTS:
        raise BadRubric(f"scale is {points}; expected 2 to {MOST_POINTS} points.")
    if points and not 2 <= rubric.threshold <= points:
        raise BadRubric(
            f"threshold is {rubric.threshold}; expected 2 to {points}: the points from which a"
            " completion counts as correct. Set it in the rubric."
        )
    if not points and rubric.threshold:
        raise BadRubric(f"threshold is for a scale of points, and scale is {rubric.scale!r}.")


def _check_categories(rubric: Rubric) -> None:
    for category in rubric.categories:
        if not isinstance(category, str) or not NAME.fullmatch(category) or category == "none":
            raise BadRubric(
                f"categories has {category!r}; expected short names of a-z, 0-9, '-' and '_', as"
                " 'wrong-unit'; 'none' is always among them. Correct it in the rubric."
            )
    if rubric.categories and rubric.scale == RANK:
        raise BadRubric("categories are for one completion, and scale is 'rank'. Remove them.")


def _check_numbers(rubric: Rubric) -> None:
    least: Mapping[str, float] = {
        **{"longest": 1, "seed": 0, "max_tokens": 1, "concurrency": 1, "retries": 0},
        **{"temperature": 0, "timeout": 0.001, "prompt_price": 0, "completion_price": 0},
    }
    for name, smallest in least.items():
        value = getattr(rubric, name)
        if value is not None and not smallest <= value < 2**31:
            raise BadRubric(f"{name} is {value}; expected a number from {smallest:g}.")
