"""The tokens of a stored completion under a model: which completion, and which model wrote it."""

import json
from dataclasses import fields
from typing import Any

from data.errors import UserError
from data.store import WITH_ROLLOUTS, Store, ask, is_evaluation, state, within
from workbench.lookup import starting_model
from workbench.playground.local_models import model_config_of

Row = dict[str, Any]  # run, question, text, finish; of a generation also seed and settings


def generation_row(store: Store, prefix: str, run: str | None) -> Row:
    """The generation whose id begins with `prefix`; UserError unless there is exactly one."""
    rows = ask(
        store if run is None else within(store, [run]),
        """
        select distinct on (generation_id)
            generation_id, run, question, text, finish, seed, settings
        from answered_generations
        where starts_with(generation_id, $prefix) and ($run is null or run = $run) limit 2
        """,
        prefix=prefix,
        run=run,
    )
    if rows.height != 1 or not prefix:
        raise UserError(
            f"{rows.height or 'no'} generations have an id that begins with {prefix!r}; expected"
            " one. `thinkbench failures --run RUN --category NAME` lists ids."
        )
    return rows.row(0, named=True)


def rollout_row(store: Store, run: str, step: int, group: int, sample: int) -> Row:
    """A rollout that a step trained on."""
    rows = ask(
        within(store, [run]),
        """
        select run, question, text, finish from rollouts
        left join problem_texts using (problem_id)
        where run = $run and step = $step and "group" = $group and sample = $sample
        """,
        run=run,
        step=step,
        group=group,
        sample=sample,
    )
    if rows.is_empty():
        raise UserError(
            f"run {run!r} has no rollout of step {step}, group {group}, sample {sample}. List them:"
            f" thinkbench rollouts list --run {run}"
        )
    return rows.row(0, named=True)


def token_scores(
    store: Store, row: Row, model: str | None, against: str | None, sampler: bool
) -> dict[str, Any]:
    """The object of `thinkbench tokens`.

    model: by default the one that wrote the text    against: a reference for the KL divergence
    sampler: let the sampler write the text once more, for its log-probabilities
    """
    name = model or _writer(store, row["run"])
    if not row["question"]:
        raise UserError("the store has no question of this text, so there is no prompt to score it")
    from pipeline.evaluate import Completed, scored_tokens
    from pipeline.generate import Request, Sampling
    from pipeline.model import Tokenizer, prompt_text

    loaded = _loaded(store, name)
    tokenizer = Tokenizer(loaded.folder)
    prompt = prompt_text(tokenizer, row["question"])
    request, temperature = None, 1.0
    if row.get("settings"):
        settings = json.loads(row["settings"])
        temperature = float(settings.get("temperature") or 1.0)
        if sampler and row["seed"] is not None:
            names = {field.name for field in fields(Sampling)}
            sampling = Sampling(**{k: v for k, v in settings.items() if k in names})
            request = Request(prompt=prompt, sampling=sampling, seed=row["seed"], logprobs=True)
    if sampler and request is None:
        raise UserError(
            f"run {row['run']!r} does not say how the sampler wrote this text (settings and seed);"
            " expected a generation of `thinkbench eval`. Leave out --sampler."
        )
    completed = Completed(
        prompt=prompt,
        text=row["text"] or "",
        ends=row["finish"] == "stop",
        temperature=temperature,
        request=request,
    )
    reference = _loaded(store, against) if against else None
    value = scored_tokens(loaded.model, tokenizer, completed, reference and reference.model)
    head = {"generation": row.get("generation_id"), "run": row["run"], "model": name}
    return {**head, "against": against, "temperature": temperature, **value}


def _loaded(store: Store, name: str) -> Any:
    from pipeline.job import load_model
    from pipeline.model import model_folder

    start = starting_model(store, name)
    config = model_config_of(store, start.model, start.run)
    return load_model(config, model_folder(start.model))


def _writer(store: Store, run: str) -> str:
    """The model that wrote the texts of a run; of GRPO's rollouts the one that it ended with."""
    of_run = state(store, run) or {}
    kind = of_run.get("kind", "")
    name = (of_run.get("summary") or {}).get("model_name")
    if kind in WITH_ROLLOUTS and (of_run.get("summary") or {}).get("model"):
        name = run
    elif is_evaluation(kind):
        name = of_run.get("parent") or name
    if not name:
        raise UserError(
            f"run {run!r} does not say which model wrote its texts; expected an evaluation or a"
            " finished run of grpo. Name a model: --model NAME"
        )
    return name
