"""The check of a command before it is queued: its words are parsed as they will be when it runs."""

from collections.abc import Sequence
from typing import Any

import click

from data.errors import UserError
from pipeline.config import DpoConfig, EvalConfig, GrpoConfig, SftConfig
from workbench.lookup import changed_preset

KNOBS = {
    "sft": SftConfig,
    "dpo": DpoConfig,
    "grpo": GrpoConfig,
    "eval": EvalConfig,
}  # verb: also its section


def check_words(words: Sequence[str]) -> None:
    """Raise what the command of these words would raise before it opens its store.

    Must be called inside a command: the other ones are found beside it.
    """
    verb, *rest = words
    group: Any = click.get_current_context().find_root().command
    try:
        with group.commands[verb].make_context(verb, list(rest)) as context:
            params = dict(context.params)
    except click.exceptions.Exit as error:
        raise UserError(
            f"`{verb} {' '.join(rest)}` only prints a help text, expected a command that works."
            " Run it without jobs start."
        ) from error
    changes = {verb: _knobs(params, KNOBS[verb])} if verb in KNOBS else {}
    changed_preset(params["preset"], changes, params["assignments"], params["seed"])
    if params.get("served") is not None:
        from evals.judge import checked_url
        from pipeline.evaluate.served import ServedConfig

        checked_url(params["served"])
        ServedConfig(**_knobs(params, ServedConfig))


def _knobs(params: dict[str, Any], config: type) -> dict[str, Any]:
    """The knobs of `config` that the command line sets."""
    knobs = {name: params.get(f"knob_{name}") for name in config.__dataclass_fields__}
    return {name: value for name, value in knobs.items() if value not in (None, ())}
