"""`ask`: one question to several models, their answers beside each other as they are written."""

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import UserError
from pipeline.config import EvalConfig, Preset
from workbench.cli import Answer, api_key, not_empty, verb
from workbench.cli.commands.training import chosen_preset, open_job, require_model, training_options
from workbench.cli.knob_flags import knob_flags
from workbench.cli.output import tables
from workbench.formatting import visible

if TYPE_CHECKING:
    from data.store import Store
    from workbench.playground import Asking, Choice, Question

VERDICTS = {True: "correct", False: "incorrect", None: "unknown"}
# options of what runs here
LOCAL = ("time_limit", "allow_other_device", "logs", "accept_code_change")


def _names(context: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> Any:
    return tuple(filter(None, names))


@verb
@click.argument("question", required=False)
@click.option("--problem", callback=not_empty, help="ask the question of a stored problem: its id")
@click.option(
    "--run",
    "runs",
    multiple=True,
    callback=_names,
    help="run, 'tiny', folder or hub id; repeatable; by default the preset's model",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    callback=_names,
    help="as --run; with --server the name of a model there; repeatable",
)
@click.option(
    "--server",
    metavar="URL",
    callback=not_empty,
    help="base URL of an OpenAI-compatible server, which serves each --model",
)
@click.option(
    "--api-key-env",
    metavar="VAR",
    callback=not_empty,
    help="environment variable that holds the server's API key; by default none is sent",
)
@click.option(
    "--answer", "--gold", "gold", callback=not_empty, help="the reference answer, to grade by"
)
@click.option("--keep", is_flag=True, help="store the answers as generations, graded")
@training_options
@knob_flags(EvalConfig, "eval")
def ask(
    folder: Path,
    question: str | None,
    problem: str | None,
    runs: tuple[str, ...],
    models: tuple[str, ...],
    server: str | None,
    api_key_env: str | None,
    gold: str | None,
    keep: bool,
    **options: Any,
) -> Answer:
    """Put one question to several models, and print their answers as they are written.

    They are asked as an evaluation asks, with the preset's sampling. With --keep the answers are
    stored as generations: a run for each model, which grade, compare, failures and lineage take.
    """

    from workbench.playground import Asking

    choices = _choices(runs, models, server, api_key_env)
    with _preset_and_store(folder, choices, options) as (preset, store):
        choices = choices or [_local(preset.model.model)]
        asking = Asking(_question(store, question, problem, gold, preset.eval), choices)
        _receive(store, preset, asking)
        value = _value(store, asking, preset.eval.grader)
        if keep:
            value["runs"] = _keep(store, asking)
    return value, show_answers


def _choices(
    runs: tuple[str, ...], models: tuple[str, ...], server: str | None, api_key_env: str | None
) -> "list[Choice]":
    """The models that are named, in the order of the options --run, then --model."""
    from workbench.playground import served_choice

    if server is None:
        if api_key_env is not None:
            raise UserError("--api-key-env is about a server; name one with --server URL")
        return [_local(name) for name in (*runs, *models)]
    if not models:
        raise UserError("--server needs the name of a model on the server: --model NAME")
    key = api_key(api_key_env)
    return [
        *(_local(name) for name in runs),
        *(served_choice(name, server, key) for name in models),
    ]


def _local(name: str) -> "Choice":
    from workbench.playground import Choice

    return Choice(name)


@contextlib.contextmanager
def _preset_and_store(
    folder: Path, choices: "list[Choice]", options: dict[str, Any]
) -> "Iterator[tuple[Preset, Store]]":
    """The preset and the store; where all models are served, without any training package."""
    if choices and all(choice.server is not None for choice in choices):
        from data.store import open_store

        rest = {name: value for name, value in options.items() if name not in LOCAL}
        yield chosen_preset(folder, **rest), open_store(folder)
        return
    with open_job(folder, **options) as job:
        yield job.preset, job.store


def _question(
    store: "Store", text: str | None, problem: str | None, gold: str | None, config: EvalConfig
) -> "Question":
    from workbench.playground import new_question, stored_question

    if (text is None) == (problem is None):
        raise UserError("expected a question, or a stored one by --problem ID: one of the two")
    if problem is None:
        return new_question(text or "", gold, config)
    if gold is not None:
        raise UserError("a stored problem has its own reference answer; leave out --answer")
    return stored_question(store, problem, config)


def _receive(store: "Store", preset: Preset, asking: "Asking") -> None:
    """Ask the models, and print their answers as they grow, unless --json is given."""
    from workbench.cli.commands.models.answers_shown import AnswersShown
    from workbench.lookup import starting_model

    for choice in [model.choice for model in asking.models if model.choice.server is None]:
        require_model(starting_model(store, choice.name).model)
    titles = [model.choice.name for model in asking.models]
    shown = AnswersShown(titles, asking.question.config.samples)
    is_shown = not click.get_current_context().params.get("as_json")
    for event in asking.events(store, preset.model):
        if is_shown:
            shown.add(event)
    errors = [model.error for model in asking.models if model.error]
    for model in asking.models:
        if model.error:
            print(visible(f"{model.choice.name}: {model.error}"), file=sys.stderr)
    if len(errors) == len(asking.models):
        raise UserError(errors[0])


def _value(store: "Store", asking: "Asking", grader: str) -> dict[str, Any]:
    from evals.graders import grader as grader_of
    from workbench.playground import answered

    gold, answers = asking.question.gold, []
    for model in answered(store, asking.models):
        for event in model.answers:
            answer: dict[str, Any] = {
                "model": model.model,
                "stage": model.stage,
                "sample": event.sample,
                "text": event.text,
                "tokens": event.tokens,
                "finish": event.finish,
                "seed": event.seed,
            }
            if event.error:
                answer["error"] = event.error
            elif gold is not None:
                score = grader_of(grader).grade(event.text, gold)
                answer |= {"correct": score.correct, "extracted": score.extracted}
            answers.append(answer)
    return {"question": asking.question.text, "gold": gold, "answers": answers}


def _keep(store: "Store", asking: "Asking") -> list[str]:
    from workbench.lookup import user_name
    from workbench.playground import answered, keep_answers

    return keep_answers(store, asking.question, answered(store, asking.models), user_name())


def show_answers(value: dict[str, Any]) -> None:
    """The table below the answers, which are printed by now."""
    rows = [
        [
            answer["model"],
            answer["stage"],
            str(answer["sample"] + 1),
            "unknown" if answer["tokens"] is None else f"{answer['tokens']:,}",
            answer.get("error") or answer["finish"] or "unknown",
            VERDICTS[answer["correct"]] if "correct" in answer else "",
        ]
        for answer in value["answers"]
    ]
    heads = ["model", "stage", "sample", "tokens", "end", "verdict"]
    tables.show(tables.table("Answers", heads, rows))
    for run in value.get("runs", ()):
        tables.show(f"Kept as the run {run}")
