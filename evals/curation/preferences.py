"""Preference pairs and KTO rows from a model's own correct and incorrect answers to a problem."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from data.errors import UserError
from data.store import Store, ask
from evals.curation.answers import answers_of
from evals.curation.training_formats import PROMPT_FORMATS
from evals.graders import GRADERS, Score
from evals.rollouts import verdict_grader

FEW = "fewer than a correct and an incorrect answer"


@dataclass(frozen=True)
class Answer:
    """text: of the answer   value: mean of format, answer and partial, from 0 to 1

    run, made_by: who wrote it: a generation's id, or step, group and sample of a rollout
    finish: stop, length (it was cut off), or None where unknown
    """

    text: str
    correct: bool
    value: float
    run: str = ""
    made_by: str = ""
    finish: str | None = None


@dataclass(frozen=True)
class Pair:
    """A correct and an incorrect answer to one problem. margin: of their values"""

    problem_id: str
    chosen: Answer
    rejected: Answer
    margin: float


@dataclass
class Sampled:
    """Answers by problem, each text once, and why others were left out."""

    problems: dict[str, dict[str, Any]]
    answers: dict[str, dict[str, Answer]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


def sampled(store: Store, runs: Sequence[str], problem_ids: Sequence[str]) -> Sampled:
    """The answers of `runs` to these problems. Test problems and unknown verdicts are left out."""
    rows = ask(
        store,
        """
        select problem_id, source, question, gold from problem_texts
        where split = 'train' and list_contains($ids::varchar[], problem_id)
        """,
        ids=list(problem_ids),
    )
    result = Sampled({row["problem_id"]: row for row in rows.iter_rows(named=True)})
    for run in runs:
        rule = GRADERS[verdict_grader(store, run)]
        for row in answers_of(store, run):
            _add(result, row, run, rule.grade)
    return result


def _add(
    result: Sampled, row: dict[str, Any], run: str, grade: Callable[[str, str], Score]
) -> None:
    problem = result.problems.get(row["problem_id"])
    if problem is None:
        result.left_out["answers to other problems"] += 1
        return
    score = grade(row["text"], problem["gold"])
    of_problem = result.answers.setdefault(row["problem_id"], {})
    if score.correct is None:
        result.left_out["answers with an unknown verdict"] += 1
    elif row["text"] in of_problem:
        result.left_out["answers that are there already"] += 1
    else:
        of_problem[row["text"]] = Answer(
            row["text"], score.correct, _value(score), run, row["made_by"], row["finish"]
        )


def _value(score: Score) -> float:
    return (bool(score.format) + bool(score.correct) + bool(score.partial)) / 3


def pairs_of(answers: Sampled, per_problem: int, least_margin: float) -> Iterator[Pair]:
    """Pairs of one problem: each of its best correct answers beside an incorrect one.

    The shortest correct answers come first, and beside them the best incorrect ones: these differ
    least from them but for the answer. No answer is in two pairs.
    """
    for problem_id in sorted(answers.problems):
        texts = list(answers.answers.get(problem_id, {}).values())
        chosen = sorted((a for a in texts if a.correct), key=_best_first)
        rejected = sorted((a for a in texts if not a.correct), key=_best_first)
        pairs = list(zip(chosen, rejected, strict=False))
        if not pairs:
            answers.left_out[f"problems with {FEW}"] += 1
        wide = [(good, bad) for good, bad in pairs if good.value - bad.value >= least_margin]
        answers.left_out["pairs below the least margin"] += len(pairs) - len(wide)
        answers.left_out["pairs beyond those of a problem"] += max(len(wide) - per_problem, 0)
        for good, bad in wide[:per_problem]:
            yield Pair(problem_id, good, bad, round(good.value - bad.value, 4))


def preference_rows(
    answers: Sampled, per_problem: int, least_margin: float
) -> Iterator[dict[str, Any]]:
    """The pairs of `pairs_of` as other trainers read them."""
    for pair in pairs_of(answers, per_problem, least_margin):
        yield {
            "prompt": _prompt(answers, pair.problem_id),
            "chosen": [{"role": "assistant", "content": pair.chosen.text}],
            "rejected": [{"role": "assistant", "content": pair.rejected.text}],
            "margin": pair.margin,
            "id": pair.problem_id,
        }


def kto_rows(answers: Sampled, per_problem: int) -> Iterator[dict[str, Any]]:
    """Single answers with whether they are correct, at most `per_problem` of either kind."""
    for problem_id in sorted(answers.problems):
        texts = list(answers.answers.get(problem_id, {}).values())
        for correct in (True, False):
            of_kind = sorted((a for a in texts if a.correct is correct), key=_best_first)
            answers.left_out["answers beyond those of a problem"] += len(of_kind[per_problem:])
            for answer in of_kind[:per_problem]:
                yield {
                    "prompt": _prompt(answers, problem_id),
                    "completion": [{"role": "assistant", "content": answer.text}],
                    "label": correct,
                    "id": problem_id,
                }


def _best_first(answer: Answer) -> tuple[float, int, str]:
    return -answer.value, len(answer.text), answer.text


def _prompt(answers: Sampled, problem_id: str) -> list[dict[str, str]]:
    """As the answers were asked for: always with our instruction."""
    question = answers.problems[problem_id]["question"]
    return [{"role": "user", "content": PROMPT_FORMATS["ours"].user(question)}]


def require_runs(runs: Sequence[str], row_format: str) -> None:
    if not runs:
        raise UserError(
            f"{row_format} is made of sampled answers: name the runs that have them with --run,"
            " such as a GRPO run, or `thinkbench eval --split train --samples 8`."
        )
