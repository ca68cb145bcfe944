"""Evaluating a served model: the test problems asked, each answer stored, graded and categorised.

The run is found again by what decides its answers: server, model, problems, prompt and sampling.
The code is no part of that: answers that were paid for stay, and grading them again costs nothing.
"""

import time
from typing import Any

from data.errors import UserError
from data.response_format import INSTRUCTION
from data.store import Store, ask, held, runs
from evals.failures import categorise
from evals.scores import Problems, grade_missing, hash_of_rows, problems_of
from pipeline.config import GRADERS, EvalConfig, Preset, as_json
from pipeline.evaluate import Evaluation, Kept, keep_lacking
from pipeline.evaluate.served.client import Server, complete, reach
from pipeline.evaluate.served.requests import requests_of
from pipeline.job import Progress, prepared
from pipeline.stopping import Stop

# knobs that mean nothing to a server: it batches by itself, and its tokenizer is not here
NOT_ASKED = ("batch", "max_prompt_tokens")


def evaluate(
    store: Store, preset: Preset, server: Server, stage: str, progress: Progress, stop: Stop
) -> dict[str, Any]:
    """Ask `server` for what the run lacks; the run's name and summary.

    A run that is done is found and asks nothing. One that was broken off, or whose requests met
    errors that may pass, asks for what is missing: its summary counts that as `to_ask_again`.
    """
    prepared(store, preset.data, progress, records=False)
    found = problems_of(store, preset.data.problems, "test")
    limit = preset.eval.limit or found.kept.height
    chosen = Problems(found.kept.head(limit), found.bad_gold)
    config = {name: v for name, v in as_json(preset.eval).items() if name not in NOT_ASKED}
    config.pop("grader")  # every grader's verdicts are stored
    config |= {"served": server.url, "model": server.model, "instruction": INSTRUCTION}
    read = {"problems": hash_of_rows(chosen.kept["problem_id"].to_list())}
    print_of = runs.fingerprint(kind="eval", stage=stage, config=config, inputs=read)
    run = f"eval-{stage}-{print_of[:12]}"
    asked = Evaluation(store, run, stage, chosen)
    with held(store.folder / asked.folder):
        known = runs.state(store, run)
        if known and known["event"] == "done":
            return {"run": run, **known["summary"], "asked": 0}
        reach(server)
        before = (known["summary"] or {}).get("seconds", 0.0) if known else 0.0
        runs.begin(
            store,
            "eval",
            run=run,
            stage=stage,
            config=config | as_json(server.config),
            seed=preset.eval.seed,
            inputs=read,
        )
        return {"run": run, **_work(asked, preset.eval, server, before, progress, stop)}


def _work(
    asked: Evaluation,
    config: EvalConfig,
    server: Server,
    before: float,
    progress: Progress,
    stop: Stop,
) -> dict[str, Any]:
    """Ask, grade and end the run; its summary. before: seconds that were spent on it already."""
    store, run, started = asked.store, asked.run, time.monotonic()

    def taken() -> dict[str, Any]:
        return {"seconds": round(before + time.monotonic() - started, 1)}

    with runs.told_of(store, run, taken):
        kept = _asked(asked, config, server, progress, stop)
        if not kept.there:
            reasons = ", ".join(f"{n} x {reason}" for reason, n in kept.reasons().items())
            raise UserError(
                f"{server.url} answered none of {kept.asked} requests: {reasons}. The first:"
                f" {kept.left_out[0].said}"
            )
        for grader in GRADERS:
            grade_missing(store, run, grader)
        if not kept.to_ask_again:
            categorise(store, run)  # by whole problems: when every answer is there
        summary = _summary(asked, kept) | taken()
    runs.end(store, run, "interrupted" if kept.to_ask_again else "done", summary)
    return summary


def _asked(
    asked: Evaluation, config: EvalConfig, server: Server, progress: Progress, stop: Stop
) -> Kept:
    """Ask for the generations that the store lacks, and keep them as they finish."""
    return keep_lacking(
        asked,
        list(requests_of(asked.problems.kept, config)),
        lambda lacking, stopped: complete(lacking, server, stopped),
        progress(f"evaluate {asked.stage}"),
        stop,
    )


def _summary(asked: Evaluation, kept: Kept) -> dict[str, Any]:
    counts = ask(
        asked.store,
        """
        select
            count(*) as generations,
            count(distinct problem_id) as problems,
            count(*) filter (tokens is null) as tokens_unknown,
            count(*) filter (finish is null) as finish_unknown,
        from scores
        where run = $run and grader = $grader
        """,
        run=asked.run,
        grader=GRADERS[0],
    ).row(0, named=True)
    summary = {
        **counts,
        "asked": kept.asked,
        "left_out": len(kept.left_out),
        "to_ask_again": kept.to_ask_again,
        "bad_gold": len(asked.problems.bad_gold),
    }
    if kept.left_out:
        summary["left_out_by_reason"] = kept.reasons()
        summary["left_out_list"] = kept.listed(asked)
    return summary
