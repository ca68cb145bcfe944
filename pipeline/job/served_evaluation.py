"""Let a served model answer problems: answers are stored, graded and categorised.

The run's fingerprint is of what decides the answers: server, model, problems, prompt and sampling.
The code is not part of it: answers may have cost money, and grading them again costs nothing.
"""

from typing import Any

from data.errors import UserError
from data.progress import ProgressReporter
from data.response_format import INSTRUCTION
from data.store import Store, ask, name_of_kind, runs
from data.store.files import locked
from evals.failures import categorise_missing
from evals.scores import grade_missing
from pipeline.config import GRADERS, EvalConfig, Preset, as_json
from pipeline.evaluate import Evaluation, Tally, complete_missing, write_unanswered
from pipeline.evaluate.served import Server, check_reachable, complete, requests_of
from pipeline.job.inputs import answer_settings, chosen_problems
from pipeline.job.prepare import prepared
from pipeline.job.timed_run import timed_run
from pipeline.stopping import Stop

# knobs without meaning for a server: it batches by itself, and its tokenizer is not here
LOCAL_KNOBS = ("batch", "max_prompt_tokens")


def evaluate_served(
    store: Store,
    preset: Preset,
    server: Server,
    stage: str,
    progress: ProgressReporter,
    stop: Stop,
    subset: str = "",
) -> dict[str, Any]:
    """Request the answers that the run lacks from `server`; the run's name and summary.

    subset: label of a subset of problems, instead of those of the split

    A run that is done requests nothing. One that was interrupted, or whose requests failed with
    temporary errors, requests what is missing; the summary counts those as `to_ask_again`.
    """
    prepared(store, preset.data, progress, records=False, problems=True)
    chosen = chosen_problems(store, preset, stage, subset)
    stage, kind = chosen.stage, chosen.kind
    config = run_config(preset.eval, server)
    fingerprint = runs.fingerprint(kind=kind, stage=stage, config=config, inputs=chosen.inputs)
    run = f"{name_of_kind(kind)}-{stage}-{fingerprint[:12]}"
    evaluation = Evaluation(store, run, stage, chosen.problems)
    with locked(store.folder / evaluation.folder):
        state = runs.state(store, run)
        if state and state["event"] == "done":
            _grade(evaluation)
            return {"run": run, **state["summary"], "asked": 0}
        check_reachable(server)
        runs.begin(
            store,
            kind,
            run=run,
            stage=stage,
            config=config | as_json(server.config),
            seed=preset.eval.seed,
            inputs=chosen.inputs,
        )
        with timed_run(store, run, state) as seconds:
            tally = _complete(evaluation, preset.eval, server, progress(f"evaluate {stage}"), stop)
            _grade(evaluation, complete=not tally.retryable)
            summary = _summary(evaluation, tally) | seconds()
        runs.end(store, run, "interrupted" if tally.retryable else "done", summary)
    return {"run": run, **summary}


def run_config(config: EvalConfig, server: Server) -> dict[str, Any]:
    """What decides the answers, apart from the problems."""
    settings = answer_settings(config)
    knobs = {name: value for name, value in settings.items() if name not in LOCAL_KNOBS}
    return knobs | {"served": server.url, "model": server.model, "instruction": INSTRUCTION}


def _complete(
    evaluation: Evaluation, config: EvalConfig, server: Server, progress: Any, stop: Stop
) -> Tally:
    """Request what the store lacks. Raises UserError if the run has no answer at all."""
    tally = complete_missing(
        evaluation,
        list(requests_of(evaluation.problems.usable, config)),
        lambda missing, should_stop: complete(missing, server, should_stop),
        progress,
        stop,
    )
    if not tally.stored:
        reasons = ", ".join(f"{n} x {reason}" for reason, n in tally.reasons().items())
        raise UserError(
            f"{server.url} answered none of {tally.requested} requests: {reasons}. The first:"
            f" {tally.unanswered[0].message}"
        )
    return tally


def _grade(evaluation: Evaluation, complete: bool = True) -> None:
    """Grade what has no verdict by the graders of now. complete: every answer is stored"""
    for grader in GRADERS:
        grade_missing(evaluation.store, evaluation.run, grader)
    if complete:  # categories are by whole problem
        categorise_missing(evaluation.store, evaluation.run)


def _summary(evaluation: Evaluation, tally: Tally) -> dict[str, Any]:
    counts = ask(
        evaluation.store,
        """
        select
            count(*) as generations,
            count(distinct problem_id) as problems,
            count(*) filter (tokens is null) as tokens_unknown,
            count(*) filter (finish is null) as finish_unknown,
            count(*) filter (seed is null) as without_seed,
        from generations
        where run = $run
        """,
        run=evaluation.run,
    ).row(0, named=True)
    summary = {
        **counts,
        "asked": tally.requested,
        "left_out": len(tally.unanswered),
        "to_ask_again": tally.retryable,
        "bad_gold": len(evaluation.problems.bad_gold),
    }
    if tally.unanswered:
        summary["left_out_by_reason"] = tally.reasons()
        summary["left_out_list"] = write_unanswered(evaluation, tally.unanswered)
    return summary
