"""`eval --served URL`: evaluate a model behind a server, without any training package."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import UserError
from pipeline.config import Preset
from pipeline.evaluate.served import ServedConfig
from workbench.cli import Answer, api_key, flag, flagged, not_empty
from workbench.cli.commands.training import chosen_preset
from workbench.cli.output import tables

if TYPE_CHECKING:
    from data.store import Store

STAGE = "served"


@dataclass(frozen=True)
class ServedModel:
    """The server, its API key, the name of the stage, and the knobs of its requests."""

    url: str
    key: str
    stage: str
    config: ServedConfig


def served_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give `command` the options of a server; it receives them as `served`, None without a URL."""

    def with_server(
        *positional: Any,
        served: str | None,
        api_key_env: str | None,
        stage: str | None,
        **arguments: Any,
    ) -> Any:
        values = {f.name: arguments.pop(f"knob_{f.name}") for f in flagged(ServedConfig)}
        knobs = {name: value for name, value in values.items() if value is not None}
        if served is None:
            _refuse_without_server({"api_key_env": api_key_env, "stage": stage, **knobs})
            return command(*positional, served=None, **arguments)
        from evals.judge import checked_url

        server = ServedModel(
            checked_url(served), api_key(api_key_env), stage or STAGE, ServedConfig(**knobs)
        )
        return command(*positional, served=server, **arguments)

    with_server.__doc__, with_server.__name__ = command.__doc__, command.__name__
    with_server.__click_params__ = getattr(command, "__click_params__", [])  # pyright: ignore[reportFunctionMemberAccess]
    for f in reversed(flagged(ServedConfig)):
        with_server = flag(f, f" [default: {f.default}]")(with_server)
    for option in (
        click.option(
            "--stage",
            callback=not_empty,
            help=f"its name in the tables; each has its own answers [default: {STAGE}]",
        ),
        click.option(
            "--api-key-env",
            metavar="VAR",
            callback=not_empty,
            help="environment variable that holds the server's API key; by default none is sent",
        ),
        click.option(
            "--served",
            metavar="URL",
            callback=not_empty,
            help="base URL of an OpenAI-compatible server, which serves --model",
        ),
    ):
        with_server = option(with_server)
    return with_server


def _refuse_without_server(options: dict[str, Any]) -> None:
    for name, value in options.items():
        if value is not None:
            raise UserError(
                f"--{name.replace('_', '-')} is about requests to a server; name one with --served"
                " URL, or leave it out"
            )


def evaluate_served_model(
    folder: Path,
    model: str | None,
    served: ServedModel,
    *,
    time_limit: float | None,
    logs: tuple[str, ...],
    changes: dict[str, dict[str, Any]],
    **options: Any,
) -> Answer:
    """The object of `eval --served`, and the function that prints it."""
    started = time.monotonic()
    if model is None:
        raise UserError("--served needs the name of a model on the server: --model NAME")
    from pipeline.job import LOCAL_KNOBS, evaluate_served

    if local := [name for name in LOCAL_KNOBS if name in changes["eval"]]:
        raise UserError(
            f"--{local[0].replace('_', '-')} is for models that run here: a server batches by"
            " itself, and refuses prompts that are too long. Leave it out."
        )
    if logs:
        raise UserError("--log is for training and for models that run here. Leave it out.")
    preset = chosen_preset(folder, changes=changes, **options)
    from data.store import open_store
    from data.store.parts import checked_name
    from evals.comparison import compare
    from pipeline.evaluate.served import Server
    from pipeline.stopping import Stop
    from workbench.cli import bars

    checked_name("stage", served.stage)
    store = open_store(folder)
    server = Server(served.url, model, served.key, served.config)
    stop = Stop(None if time_limit is None else started + time_limit)
    with bars() as bar:
        subset = subset_to_answer(store, preset, options)
        summary = evaluate_served(store, preset, server, served.stage, bar, stop, subset)
    rows = compare.stages(store, [summary["run"]], preset.eval.grader)
    return {**summary, "stages": rows}, show


def subset_to_answer(store: "Store", preset: Preset, options: dict[str, Any]) -> str:
    """The label of the subset that the preset names; UserError beside problems of other sources.

    options: `problems` and `assignments`, by which a person may have named a source
    """
    from pipeline.job import require_source

    subset, named = preset.data.problem_subset, options["problems"]
    named = named or any(one.startswith("data.problems=") for one in options["assignments"])
    if subset and named:
        require_source(store, subset, preset.data.problems)
    return subset


def show(value: dict[str, Any]) -> None:
    """The table of an evaluation, and which requests have no answer."""
    tables.evaluated(value)
    counts = {name: value[name] for name in ("generations", "asked", "left_out", "to_ask_again")}
    tables.counts("Requests")({**counts, "left_out_by_reason": value.get("left_out_by_reason", {})})
    if value.get("without_seed"):
        print(
            f"The server refuses the field seed: {value['without_seed']:,} answers were drawn"
            " without one, and cannot be drawn again."
        )
    if value["left_out"]:
        print(f"Requests without an answer are listed in {value['left_out_list']} of the store.")
    if value["to_ask_again"]:
        print("Run the same command again to retry the requests that may succeed later.")
