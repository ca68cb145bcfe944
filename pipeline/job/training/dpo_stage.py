"""The DPO stage: pairs of a correct and an incorrect answer to one train problem."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from data.errors import UserError
from data.store import runs
from evals.curation import ChosenPairs, choose_pairs, store_pairs, stored_pairs
from evals.scores import hash_of_ids, problems_of_split
from pipeline.batches import PairTokens, PreferencePair, tokenize_pairs
from pipeline.config import OUTSIDE, as_json
from pipeline.evaluate import fitting
from pipeline.job import Done, Job, StageSpec, inputs, load_model, stage_run
from pipeline.job.training.heldout import HeldOut, held_out, heldout_of, measured_by, record_best
from pipeline.model import Tokenizer, model_folder
from pipeline.train import TrainingRun, dpo

PAIRS, ANSWERS_OF = "pairs", "answers of"  # inputs of the run


@dataclass(frozen=True)
class Chosen:
    """What a run of DPO reads.

    pairs:   those to train on   answers: runs that wrote them
    heldout: problem_id, question, gold, steps, prompt
    """

    pairs: ChosenPairs
    answers: tuple[str, ...]
    heldout: pl.DataFrame


def train_dpo(job: Job, model: Path | str, parent: str | None, answers: Sequence[str]) -> Done:
    """Train `model` on pairs; the summary's `model` is the folder of the best step.

    answers: runs whose answers to train problems are paired. A run that is resumed by its name goes
             on with the pairs that it has stored.
    """
    folder, data, how = model_folder(str(model)), job.preset.data, held_out(job.preset)
    tokenizer = Tokenizer(folder)
    chosen = _chosen(job, tokenizer, answers)
    subset = inputs.subset_of(job.store, data.problem_subset, "problems")
    knobs = as_json(job.preset.dpo)
    spec = StageSpec(
        kind="dpo",
        stage="dpo",
        module=__name__,
        config={name: value for name, value in knobs.items() if name not in OUTSIDE}
        | {"heldout": data.heldout, **how.as_json()},
        inputs={
            "model": inputs.hash_of_folder(folder),
            PAIRS: chosen.pairs.digest,
            ANSWERS_OF: ", ".join(chosen.answers),
            "heldout": hash_of_ids(chosen.heldout["problem_id"].to_list()),
            **inputs.converter_input(inputs.converter_of_problems(job.store, data.problems)),
            **inputs.subset_input(job.store, subset),
        },
        parent=parent,
        resumable=True,
    )

    summary = {"left_out": chosen.pairs.left_out}
    summary |= {} if subset else {"learned_from": {"source": data.problems}}
    return stage_run(
        job, spec, lambda run: _train(job, folder, tokenizer, chosen, how, run) | summary
    )


def _train(
    job: Job, folder: Path, tokenizer: Tokenizer, chosen: Chosen, how: HeldOut, run: str
) -> dict[str, Any]:
    """Store the pairs, and train on what is stored; the summary of the run."""
    store_pairs(job.store, run, chosen.pairs)
    pairs = stored_pairs(job.store, run, chosen.pairs.digest)
    assert pairs is not None, "they have just been stored"
    rows, too_long = tokenized(pairs, tokenizer, job.preset.dpo.max_tokens)
    best = dpo.train(
        load_model(job.preset.model, folder),
        rows,
        tokenizer,
        job.preset.dpo,
        measured_by(job, run, "dpo", chosen.heldout, how),
        TrainingRun(job.folder / run, job.metrics(run), job.progress("dpo"), job.stop),
    )
    return {
        **record_best(job, run, "dpo", best, chosen.heldout),
        "pairs": len(rows),
        "problems": pairs.rows["problem_id"].n_unique(),
        "heldout": chosen.heldout.height,
        "too_long": too_long,
    }


def tokenized(
    pairs: ChosenPairs, tokenizer: Tokenizer, max_tokens: int
) -> tuple[list[PairTokens], int]:
    """The pairs as token ids, without those that are too long, and how many these are."""
    columns = ("question", "chosen", "rejected", "rejected_finish")
    return tokenize_pairs(
        [
            PreferencePair(question, chosen, rejected, finish != "length")
            for question, chosen, rejected, finish in pairs.rows.select(columns).iter_rows()
        ],
        tokenizer,
        max_tokens,
    )


def _chosen(job: Job, tokenizer: Tokenizer, answers: Sequence[str]) -> Chosen:
    """The pairs of the run to resume, or those of these answers, and the held-out problems."""
    data, config = job.preset.data, job.preset.dpo
    problems = problems_of_split(job.store, data.problems, "train")
    subset = inputs.subset_of(job.store, data.problem_subset, "problems")
    chosen = inputs.problems_in(job.store, subset) if subset else problems
    fit = fitting(problems.usable, tokenizer, job.preset.grpo.max_prompt_tokens)
    heldout = heldout_of(job.preset, fit)
    if job.resume:
        read = _inputs_of(job, job.resume)
        answers = read[ANSWERS_OF].split(", ")
        if pairs := stored_pairs(job.store, job.resume, read[PAIRS]):
            return Chosen(pairs, tuple(answers), heldout)
    pairs = choose_pairs(
        job.store,
        answers,
        chosen.usable["problem_id"].to_list(),
        set(heldout["problem_id"]),
        config.per_problem,
        config.margin,
    )
    _require_enough(pairs, config.batch, answers)
    return Chosen(pairs, tuple(answers), heldout)


def _inputs_of(job: Job, run: str) -> dict[str, str]:
    """The inputs of a run of DPO that is to be resumed."""
    state = runs.state(job.store, run)
    if state is None or state["kind"] != "dpo":
        raise UserError(
            f"there is no dpo run {run!r} to resume. Give the command without --resume: an"
            " interrupted run is resumed by itself."
        )
    return state["inputs"]


def _require_enough(pairs: ChosenPairs, batch: int, answers: Sequence[str]) -> None:
    if pairs.rows.height >= batch:
        return
    left_out = "; ".join(f"{reason}: {n:,}" for reason, n in pairs.left_out.items()) or "nothing"
    raise UserError(
        f"{pairs.rows.height} pairs of a correct and an incorrect answer to one train problem are"
        f" in the answers of {', '.join(answers) or 'no run'}, and a step needs {batch} (left out:"
        f" {left_out}). Sample more answers (--samples, --temperature), name more runs with"
        " --pairs-of, or lower dpo.batch."
    )
