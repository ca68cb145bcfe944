"""Suspect reference answers: all samples of a problem agree on one other answer.

They are read from the scores whenever they are asked for, not stored, because they depend on all
samples of a problem, and samples may come in at different times.
"""

from collections.abc import Sequence
from itertools import pairwise

import polars as pl

from data.numbers import Number, read_answer
from data.store import Store, ask, within
from evals.graders import GRADERS, gold_numbers

SUSPECT_SAMPLES = 4  # that must agree on another answer before a reference answer is suspect
READER = GRADERS["lenient"]  # reads the answer wherever it is


def suspect_golds(store: Store, run: str) -> pl.DataFrame:
    """stage, problem_id: problems of `run` whose reference answer is suspect, by its scores."""
    scores = ask(
        within(store, [run]),
        """
        select stage, problem_id, extracted, correct as answer from current_scores
        where run = $run and grader = $grader and grader_version = $version
            and problem_id in (
                select problem_id from scores where run = $run and grader = $grader
                group by problem_id, stage having count(*) >= $samples
            )
        """,
        run=run,
        grader=READER.name,
        version=READER.version,
        samples=SUSPECT_SAMPLES,
    )
    answers = undecided_problems(scores)
    golds = golds_of(store, run, answers["problem_id"].unique().to_list())
    return suspects_of(answers.join(golds, on="problem_id"))


def golds_of(store: Store, run: str, problem_ids: Sequence[str]) -> pl.DataFrame:
    """problem_id, gold: the reference answers by which `run` is graded, where there are any."""
    return ask(
        within(store, [run]),
        """
        select distinct problem_id, gold from answered_generations
        where run = $run and problem_id in (select unnest($ids)) and gold is not null
        """,
        run=run,
        ids=problem_ids,
    )


def undecided_problems(scores: pl.DataFrame) -> pl.DataFrame:
    """stage, problem_id, answers: problems that every sample answers, and none correctly.

    scores: stage, problem_id, extracted, answer
    """
    problems = scores.group_by("stage", "problem_id").agg(
        answers="extracted", right=pl.col("answer").sum()
    )
    answered = pl.col("answers").list.drop_nulls().list.len() == pl.col("answers").list.len()
    return problems.filter(answered & (pl.col("right") == 0)).drop("right")


def suspects_of(problems: pl.DataFrame) -> pl.DataFrame:
    """stage, problem_id of those of `problems` (stage, problem_id, answers, gold), sorted."""
    suspect = [
        is_gold_suspect([read_answer(answer).value for answer in answers], gold_numbers(gold))
        for answers, gold in problems.select("answers", "gold").iter_rows()
    ]
    rows = problems.filter(pl.Series(suspect, dtype=pl.Boolean)).select("stage", "problem_id")
    return rows.sort("stage", "problem_id")


def is_gold_suspect(values: Sequence[Number | None], references: Sequence[Number] | None) -> bool:
    """Whether all samples of a problem agree on one number that is not the reference answer.

    values:     the answer of each sample, None where it is no number; at least SUSPECT_SAMPLES
    references: the numbers of all correct targets, or None where one is no number
    """
    if references is None or len(values) < SUSPECT_SAMPLES:
        return False
    if values[0] is None or values[0] in references:
        return False
    return all(a == b for a, b in pairwise(values))
