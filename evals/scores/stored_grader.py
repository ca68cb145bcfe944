"""The grader of a name in a store: a rule of evals/graders, or a judge by its newest rubric."""

from typing import Any

from data.errors import UserError
from data.store import Store, ask
from evals.graders import GRADERS, Grader, Score, grader as rule_of

JUDGE = "judge:"  # with which the names of judges begin


def grader_in(store: Store, name: str) -> Grader:
    """The grader `name`, under the version whose verdicts count now.

    That of a judge grades nothing by itself: `thinkbench grade` asks its model.
    """
    if not name.startswith(JUDGE):
        return rule_of(name)
    versions = dict(ask(store, "select name, version from rubrics order by name").iter_rows())
    judge = name.removeprefix(JUDGE)
    if judge not in versions:
        raise UserError(
            f"there is no judge {judge!r}; the store has {', '.join(versions) or 'none'}. Add its"
            " rubric: thinkbench judge add FILE.toml"
        )
    return Grader(name, versions[judge], _refuse(name))


def grader_names(store: Store) -> list[str]:
    """The names of all graders that the store can show verdicts of: the rules, then judges."""
    judges = ask(store, "select name from rubrics order by name")["name"]
    return [*GRADERS, *(f"{JUDGE}{name}" for name in judges)]


def _refuse(name: str) -> Any:
    def grade(text: str, gold: str) -> Score:
        raise UserError(
            f"{name} has no verdict on some of these texts, and asks a model for each. Ask it"
            f" first: thinkbench grade --run RUN --grader {name}"
        )

    return grade
