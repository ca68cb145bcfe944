"""`ask`: one question to several models, their answers beside each other."""

from pathlib import Path
from typing import Any

import click

from pipeline.config import EvalConfig
from workbench.cli import Answer, not_empty, verb
from workbench.cli.commands.training.job import open_job, require_model
from workbench.cli.commands.training.options import training_options
from workbench.cli.knob_flags import knob_flags
from workbench.cli.output import tables
from workbench.formatting import visible


@verb
@click.argument("question", callback=not_empty)
@click.option(
    "--run",
    "--model",
    "models",
    multiple=True,
    callback=lambda context, parameter, names: tuple(filter(None, names)),
    help="run, 'tiny', folder or hub id; repeatable; by default the preset's model",
)
@click.option("--gold", callback=not_empty, help="the reference answer, to grade by")
@training_options
@knob_flags(EvalConfig, "eval")
def ask(
    folder: Path, question: str, models: tuple[str, ...], gold: str | None, **options: Any
) -> Answer:
    """Put one question to several models and print their answers beside each other.

    They are asked as an evaluation asks, with the preset's sampling. No answer is stored.
    """
    with open_job(folder, **options) as job:
        from evals.graders import grader
        from workbench.lookup import starting_model

        config = job.preset.eval
        answers = []
        for name in models or (job.preset.model.model,):
            start = starting_model(job.store, name)
            require_model(start.model)
            for completion in _completions(job, start.model, question):
                answer = {"model": name, "stage": start.stage, "text": completion.text}
                answer |= {"tokens": len(completion.ids), "finish": completion.finish}
                if gold is not None:
                    score = grader(config.grader).grade(completion.text, gold)
                    answer |= {"correct": score.correct, "extracted": score.extracted}
                answers.append(answer)
    return {"question": question, "gold": gold, "answers": answers}, show_answers


def _completions(job: Any, model: str, question: str) -> list[Any]:
    from pipeline.generate import completer
    from pipeline.job import load_model, sampling_of
    from pipeline.model import Tokenizer, model_folder, prompt_text

    path, config = model_folder(model), job.preset.eval
    loaded, tokenizer = load_model(job.preset.model, path), Tokenizer(path)
    generate = completer(loaded.model, tokenizer, sampling_of(config), config.samples)
    return generate([prompt_text(tokenizer, question)] * config.samples, config.seed)


def show_answers(value: dict[str, Any]) -> None:
    verdicts = {True: ", correct", False: ", incorrect", None: ", unknown"}
    for answer in value["answers"]:
        verdict = verdicts[answer["correct"]] if value["gold"] is not None else ""
        title = f"{answer['model']} ({answer['stage']}), {answer['tokens']} tokens{verdict}"
        tables.show(f"{visible(title)}\n{visible(answer['text'])}\n")
