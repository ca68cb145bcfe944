"""What a report is about: evaluations, the runs that trained their models, and their sources."""

from dataclasses import dataclass
from typing import Any

from data.errors import UserError
from data.lineage import Step, of_run
from data.store import ANSWERS, TRAINING, Store, state
from evals.scores import default_grader
from workbench.lookup import default_runs


@dataclass(frozen=True)
class Selection:
    """evaluations: runs with answers, in the order of stages, with their last states
    trainings: the runs that made the evaluated models, the first stage first
    lineage: from the last evaluation back to the source rows
    sources: source -> the converter whose rows were trained on or asked
    """

    grader: str
    evaluations: list[dict[str, Any]]
    trainings: list[dict[str, Any]]
    lineage: list[Step]
    sources: dict[str, str]

    @property
    def names(self) -> list[str]:
        return [run["run"] for run in self.evaluations]


def selection(store: Store, names: tuple[str, ...], grader: str | None) -> Selection:
    """The runs `names`, or the newest model with the stages before it."""
    chosen = list(dict.fromkeys(names)) or default_runs(store)
    if not chosen:
        raise UserError(
            "the store has no finished evaluation to report. Evaluate a model (thinkbench eval) or"
            " import answers (thinkbench import FILE)."
        )
    evaluations = [_evaluation(store, name) for name in chosen]
    trainings = _trainings(store, evaluations)
    lineage = of_run(store, chosen[-1])
    return Selection(
        grader or default_grader(store, chosen), evaluations, trainings, lineage, _sources(lineage)
    )


def _evaluation(store: Store, name: str) -> dict[str, Any]:
    run = state(store, name)
    if run is None or run["kind"] not in ANSWERS:
        what = "no run" if run is None else f"a run of {run['kind']}"
        raise UserError(
            f"{name!r} is {what}; expected a run with answers (an evaluation or an import). List"
            " them: thinkbench runs list"
        )
    return run


def _trainings(store: Store, evaluations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ancestors of the evaluated models, each once, the oldest first."""
    trained: dict[str, dict[str, Any]] = {}
    for evaluation in evaluations:
        name = evaluation["parent"]
        while name and name not in trained:
            run = state(store, name)
            if run is None or run["kind"] not in TRAINING:
                break
            trained[name] = run
            name = run["parent"]
    return sorted(trained.values(), key=lambda run: run["started_at"])


def _sources(lineage: list[Step]) -> dict[str, str]:
    return {
        step.title: str(step.facts["version and rules"])
        for step in reversed(lineage)  # what was read first comes first
        if step.kind == "conversion"
    }
