"""Which problems are sampled: less often those whose answers were nearly all alike so far."""

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from pipeline.batches.examples import Prompt

HALVED = 0.5  # what an earlier step's answers count for beside those of the next one


class Ledger:
    """How often the answers to each problem were correct so far, later steps counting for more."""

    def __init__(self) -> None:
        self._counts: dict[str, tuple[float, float]] = {}  # problem_id -> correct, decided

    def add(self, verdicts: Iterable[tuple[str, bool | None]]) -> None:
        """Take the verdicts of one step: the problem, and whether the answer is correct."""
        of_step: dict[str, list[bool]] = {}
        for problem_id, correct in verdicts:
            if correct is not None:
                of_step.setdefault(problem_id, []).append(correct)
        for problem_id, answers in of_step.items():
            correct, decided = self._counts.get(problem_id, (0.0, 0.0))
            self._counts[problem_id] = (
                HALVED * correct + sum(answers),
                HALVED * decided + len(answers),
            )

    def pass_rate(self, problem_id: str) -> float:
        """The mean of its posterior under a uniform prior (Laplace): 1/2 for a new problem."""
        correct, decided = self._counts.get(problem_id, (0.0, 0.0))
        return (correct + 1) / (decided + 2)


class ProblemChoice:
    """Draws problems by seed, step, attempt and ledger alone, so a resumed run draws the same.

    strength: `GrpoConfig.curriculum`
    """

    def __init__(self, problems: Sequence[Prompt], seed: int, strength: float) -> None:
        self.problems, self.seed, self.strength = problems, seed, strength
        self.ledger = Ledger()

    def draw(
        self, count: int, step: int, attempt: int, without: Collection[str] = ()
    ) -> list[Prompt]:
        """`count` different problems, or as many as there are, none of the ids `without`.

        A problem of pass rate p has the weight (4p(1-p))^strength, which is 1 at p = 1/2. Drawn by
        the Gumbel-top-k trick (arXiv:1903.06059): as one by one, without replacement.
        """
        open_to = [problem for problem in self.problems if problem.problem_id not in without]
        rates = np.array([self.ledger.pass_rate(problem.problem_id) for problem in open_to])
        weights = self.strength * np.log(4 * rates * (1 - rates))
        keys = weights + np.random.default_rng([self.seed, step, attempt]).gumbel(size=len(open_to))
        return [open_to[index] for index in np.argsort(-keys, kind="stable")[:count]]
