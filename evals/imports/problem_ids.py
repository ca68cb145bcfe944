"""Ids of imported problems in the store: equal problems have one, and no two others share one."""

from collections.abc import Hashable, Iterable

from data.store import fingerprint
from evals.scores import content_of_problem

Problem = tuple[str, str, str]  # problem_id, question, gold
Stored = tuple[str, str, str | None]  # those of an imported log may have no reference answer
SUFFIX = 8  # hex digits, at first


def problem_ids(
    problems: list[Problem], own: list[Stored], foreign: list[Stored]
) -> dict[Problem, str]:
    """The id in the store of each problem of a file; no two get the same one.

    own: what the run has stored already, before it was interrupted; it stays as it is
    foreign: stored problems of other runs, by preference
    """
    ids: dict[Problem, str] = {}
    taken: set[str] = set()
    for stored in (own, foreign):
        _by_content(problems, stored, ids, taken)
    used = {problem_id for problem_id, _, _ in (*own, *foreign)}
    for problem in problems:
        if problem not in ids:
            ids[problem] = _free_id(problem, used | taken)
            taken.add(ids[problem])
    return ids


def _by_content(
    problems: list[Problem], stored: list[Stored], ids: dict[Problem, str], taken: set[str]
) -> None:
    """Add to `ids` the stored ids of problems with the same content: first their own ids."""
    contents = _contents(stored)
    waiting = []
    for problem in problems:
        if problem in ids:
            continue
        same = contents.get(content_of_problem(*problem[1:]), {})
        if problem[0] in same and problem[0] not in taken:
            ids[problem] = problem[0]
            taken.add(problem[0])
        elif same:
            waiting.append((problem, same))
    for problem, same in waiting:
        if free := next((problem_id for problem_id in same if problem_id not in taken), None):
            ids[problem] = free
            taken.add(free)


def _contents(stored: Iterable[Stored]) -> dict[tuple[Hashable, ...], dict[str, None]]:
    """Content -> the ids that the store has it under, in the order of `stored`."""
    ids: dict[tuple[Hashable, ...], dict[str, None]] = {}
    for problem_id, question, gold in stored:
        if gold is not None:
            ids.setdefault(content_of_problem(question, gold), {})[problem_id] = None
    return ids


def _free_id(problem: Problem, used: set[str]) -> str:
    """The problem's own id, with the start of a hash of the problem where another has it."""
    digest = fingerprint(problem=list(problem))
    names = (problem[0], *(f"{problem[0]}-{digest[:n]}" for n in range(SUFFIX, len(digest) + 1)))
    return next(name for name in names if name not in used)
