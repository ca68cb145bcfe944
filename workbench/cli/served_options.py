"""`eval --served URL`: a model behind a server is evaluated, without any training package."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from pipeline.evaluate.served import ServedConfig
from workbench.cli.command import Answer, not_empty
from workbench.cli.options import flag, flagged
from workbench.cli.output import tables
from workbench.cli.training_options import chosen_preset

STAGE = "served"


@dataclass(frozen=True)
class Serving:
    """What the options of `serving` say."""

    url: str
    key: str
    stage: str
    config: ServedConfig


def serving(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` the options of a server; it receives them as `served`, None without a URL."""

    def asked(
        *places: Any,
        served: str | None,
        api_key_env: str | None,
        stage: str | None,
        **arguments: Any,
    ) -> Any:
        knobs = {f.name: arguments.pop(f"knob_{f.name}") for f in flagged(ServedConfig)}
        given = {name: value for name, value in knobs.items() if value is not None}
        if served is None:
            others = {"api_key_env": api_key_env, "stage": stage, **given}
            if set_ := [name for name, value in others.items() if value is not None]:
                raise UserError(
                    f"--{set_[0].replace('_', '-')} says how a server is asked; name one with"
                    " --served URL, or leave it out"
                )
            return command(*places, served=None, **arguments)
        from pipeline.evaluate.served import checked_url

        config = ServedConfig(**given)
        found = Serving(checked_url(served), _key(api_key_env), stage or STAGE, config)
        return command(*places, served=found, **arguments)

    asked.__doc__, asked.__name__ = command.__doc__, command.__name__
    asked.__click_params__ = getattr(command, "__click_params__", [])  # pyright: ignore[reportFunctionMemberAccess]
    for f in reversed(flagged(ServedConfig)):
        asked = flag(f, f" [default: {f.default}]")(asked)
    for option in (
        click.option(
            "--stage",
            callback=not_empty,
            help=f"name for it in the tables; another one asks anew [default: {STAGE}]",
        ),
        click.option(
            "--api-key-env",
            metavar="VAR",
            callback=not_empty,
            help="environment variable that holds the server's key; without it none is sent",
        ),
        click.option(
            "--served",
            metavar="URL",
            callback=not_empty,
            help="base URL of an OpenAI-compatible server, which --model is a name of",
        ),
    ):
        asked = option(asked)
    return asked


def _key(variable: str | None) -> str:
    if variable is None:
        return ""
    if not os.environ.get(variable):
        raise UserError(
            f"the environment variable {variable} is not set, or empty; --api-key-env expects the"
            " name of one that holds the server's key"
        )
    return os.environ[variable]


def evaluated(
    folder: Path,
    model: str | None,
    served: Serving,
    *,
    time_limit: float | None,
    logs: tuple[str, ...],
    changes: dict[str, dict[str, Any]],
    **chosen: Any,
) -> Answer:
    """The object of `eval --served`, and what prints it."""
    started = time.monotonic()
    if model is None:
        raise UserError("--served needs the name of a model there: --model NAME")
    from pipeline.job import LOCAL_KNOBS, evaluate_served

    if meant := [name for name in LOCAL_KNOBS if name in changes["eval"]]:
        raise UserError(
            f"--{meant[0].replace('_', '-')} is for models that run here: a server batches by"
            " itself, and refuses prompts that are too long. Leave it out."
        )
    if logs:
        raise UserError("--log is for training and for models that run here. Leave it out.")
    preset = chosen_preset(folder, changes=changes, **chosen)
    from data.store import checked_name, open_store
    from evals.comparison import compare
    from pipeline.evaluate.served import Server
    from pipeline.stopping import Stop
    from workbench.cli.progress import bars

    checked_name("stage", served.stage)
    store = open_store(folder)
    server = Server(served.url, model, served.key, served.config)
    stop = Stop(None if time_limit is None else started + time_limit)
    with bars() as bar:
        summary = evaluate_served(store, preset, server, served.stage, bar, stop)
    rows = compare.stages(store, [summary["run"]], preset.eval.grader)
    return {**summary, "stages": rows}, show


def show(value: dict[str, Any]) -> None:
    """The table of an evaluation, and what is missing in it."""
    tables.evaluated(value)
    asked = {name: value[name] for name in ("generations", "asked", "left_out", "to_ask_again")}
    tables.counts("Requests")({**asked, "left_out_by_reason": value.get("left_out_by_reason", {})})
    if value["left_out"]:
        print(f"Those left out are listed in {value['left_out_list']} of the store.")
    if value["to_ask_again"]:
        print("The same command asks again for those that may be answered later.")
