"""A judge as a reward of GRPO: the completions of whole groups are asked about at once.

A reward that is unknown is never a silent 0. Where a reply gives no verdict, the judge's part is
left out for all completions of that group, so that none gains or loses by it. Where a request stays
without a reply, training stops with an error; the same command resumes it, and asks the rest.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from data.errors import UserError
from data.store import Store, ask
from evals.judge import (
    RANK,
    Question,
    Reply,
    Rubric,
    judgement_of,
    prompt_of,
    prompt_of_group,
    ranking_of,
    rubric_of,
    texts_of,
)
from pipeline import distributed
from pipeline.evaluate.judge.ask import Counts, replies_to
from pipeline.evaluate.judge.model import CompleteQuestions, model_of

UNKNOWN = math.nan


@dataclass(frozen=True)
class GroupTexts:
    """The completions of one problem."""

    problem_id: str
    gold: str
    completions: list[str]


def judge_of_groups(store: Store, grader: str) -> "JudgeOfGroups":
    """The judge `grader`, whose server answers."""
    if distributed.several():
        raise UserError(
            f"{grader} cannot be a reward of a training on several processes, each of which would"
            " ask it; expected one process. Start one, or leave the judge out."
        )
    rubric = rubric_of(store, grader)
    return JudgeOfGroups(store, rubric, model_of(rubric))


@dataclass
class JudgeOfGroups:
    """Asks a judge about groups. questions: problem_id -> its question, read as it is needed"""

    store: Store
    rubric: Rubric
    complete: CompleteQuestions
    questions: dict[str, str] = field(default_factory=dict)

    def rewards(self, groups: Sequence[GroupTexts]) -> list[list[float]]:
        """For each completion of each group a reward in [0, 1]; nan for all of a group, or none."""
        self._read_questions(groups)
        asked_of = [self._questions_of(group) for group in groups]
        flat = [question for of_group in asked_of for question in of_group if question]
        counts = Counts()
        replies = replies_to(self.store, self.rubric, flat, self.complete, counts)
        if counts.failed:
            reasons = ", ".join(f"{n} x {reason}" for reason, n in counts.failed.items())
            raise UserError(
                f"{self.rubric.grader} gave no reply to {sum(counts.failed.values())} of"
                f" {counts.sent} requests about rewards: {reasons} ({counts.first_message})."
                " Training stopped rather than take a reward for 0. Give the same command again:"
                " it resumes, and asks only what has no reply."
            )
        if flat and all(reply.refused for reply in replies.values()):
            [reason, *_] = {reply.refused for reply in replies.values()}
            raise UserError(
                f"the server of {self.rubric.grader} refuses all {len(replies)} requests about"
                f" rewards: {reason} ({counts.first_message}). Training stopped, as there is no"
                " reward. Correct the rubric, or read the server's log."
            )
        return [
            self._rewards_of(group, questions, replies)
            for group, questions in zip(groups, asked_of, strict=True)
        ]

    def _read_questions(self, groups: Sequence[GroupTexts]) -> None:
        missing = {group.problem_id for group in groups} - self.questions.keys()
        if missing:
            rows = ask(
                self.store,
                "select problem_id, coalesce(question, '') as question from problem_texts"
                " where problem_id in (select unnest($ids))",
                ids=sorted(missing),
            )
            self.questions |= dict.fromkeys(missing, "") | dict(rows.iter_rows())

    def _questions_of(self, group: GroupTexts) -> list[Question | None]:
        """One question that ranks the group, or one for each completion; None: one is too long."""
        question = self.questions[group.problem_id]
        of_each = [texts_of(text, question, group.gold)[0] for text in group.completions]
        if any(len(text) > self.rubric.longest for text in group.completions):
            return [None]
        if self.rubric.scale == RANK:
            return [prompt_of_group(self.rubric, of_each[0], group.completions)]
        return [prompt_of(self.rubric, texts) for texts in of_each]

    def _rewards_of(
        self, group: GroupTexts, questions: list[Question | None], replies: Mapping[str, Reply]
    ) -> list[float]:
        n = len(group.completions)
        if self.rubric.scale == RANK:
            rewards = self._by_rank(questions[0], replies, n)
        else:
            rewards = [self._by_verdict(question, replies) for question in questions]
        return [UNKNOWN] * n if any(map(math.isnan, rewards)) else rewards

    def _by_rank(
        self, question: Question | None, replies: Mapping[str, Reply], n: int
    ) -> list[float]:
        """1 for the best of n, 0 for the last."""
        if question is None:
            return [UNKNOWN]
        reply = replies[question.request(self.rubric)]
        ranks = ranking_of(reply.text, question.mark, n, reply.finish)
        return [UNKNOWN] if ranks is None else [(n - rank) / (n - 1) for rank in ranks]

    def _by_verdict(self, question: Question | None, replies: Mapping[str, Reply]) -> float:
        """1 for correct, 0 for incorrect; of points from 1 to the most, their place from 0 to 1."""
        if question is None:
            return UNKNOWN
        reply = replies[question.request(self.rubric)]
        judgement = judgement_of(self.rubric, reply.text, question.mark, reply.finish)
        if judgement.correct is None:
            return UNKNOWN
        if judgement.points is None or not isinstance(self.rubric.scale, int):
            return float(judgement.correct)
        return (judgement.points - 1) / (self.rubric.scale - 1)
