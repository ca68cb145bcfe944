"""Processes of tests that collect a file when they run it, and which files each of them runs.

A process that collects everything imports and rewrites all files of tests, and all that they
import: 22 CPU seconds, which three processes spent before the first test began.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.runner import runtestprotocol
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

# files whose tests share a model that trains for a minute: one process runs them all
SHARING = (
    "test_grpo.py",
    "test_grpo_sampling.py",
    "test_resume.py",
    "test_reward_replay.py",
    "test_sft.py",
    "test_learnability.py",
    "test_engine.py",
)
# these share a store and a server of the app
BROWSING = ("test_journeys.py", "test_address.py", "test_prev_next.py", "test_journeys_of_jobs.py")
# these mostly wait: for a browser, a command, or the end of a time limit; none compiles
WAITING = (*BROWSING, "test_jobs.py", "test_rules.py", "test_client.py", "test_reconcile.py")
# these begin, so that no process ends with a long one while the others wait
LONG = (*SHARING, "test_distributed.py", "test_mesh.py", "test_stages.py", *WAITING)
TRAINING = "tests/pipeline/"  # imports of what trains take six seconds of each process
BY_FILE = "collects_by_file"


class LaterFile(pytest.File):
    """A file of tests that was not imported yet."""

    def collect(self) -> Iterator[pytest.Item]:
        yield Later.from_parent(self, name=self.path.name, nodeid=self.nodeid)


class Later(pytest.Item):
    """All tests of a file, as one: running it imports the file and runs its tests."""

    def runtest(self) -> None:
        raise AssertionError("its tests run in its stead")

    def run(self, nextitem: pytest.Item | None) -> None:
        assert self.parent is not None
        file = pytest.Module.from_parent(self.parent.parent, path=self.path)
        tests = list(self.session.genitems(file))  # reports what cannot be imported
        self.config.hook.pytest_collection_modifyitems(
            session=self.session, config=self.config, items=tests
        )
        [worker] = [
            plugin
            for plugin in self.config.pluginmanager.get_plugins()
            if type(plugin).__name__ == "WorkerInteractor"
        ]
        index = worker.item_index  # xdist reports of items by their index
        for test, following in zip(tests, [*tests[1:], nextitem][: len(tests)], strict=True):
            worker.item_index = len(self.session.items)
            self.session.items.append(test)
            self.config.hook.pytest_runtest_protocol(item=test, nextitem=following)
        worker.item_index = index


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    """Tests that were chosen one by one are collected as ever."""
    whole = not any("::" in argument for argument in node.config.args)
    node.workerinput[BY_FILE] = whole and node.config.getoption("dist") == "loadfile"


def is_later(config: pytest.Config) -> bool:
    """Whether this is a process that collects a file when it runs it."""
    return getattr(config, "workerinput", {}).get(BY_FILE, False)


@pytest.hookimpl
def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> LaterFile | None:
    if is_later(parent.config):
        return LaterFile.from_parent(parent, path=module_path)
    return None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if isinstance(item, Later):
        item.run(nextitem)
    elif is_later(item.config):
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            # that a fixture passed is two of a test's three messages between the processes
            if report.when == "call" or not report.passed:
                item.ihook.pytest_runtest_logreport(report=report)
    else:
        return None
    return True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of the long files first; of the others, as files, the largest."""
    items.sort(key=_order)


def _order(item: pytest.Item) -> tuple[int, int]:
    long = LONG.index(item.path.name) if item.path.name in LONG else len(LONG)
    return long, -item.path.stat().st_size if isinstance(item, Later) else 0


class ByFile(LoadScopeScheduling):
    """What shares a fixture runs in one process: a file, or those of SHARING or of BROWSING.

    The first process trains, so that the others need not import what training needs, nor compile
    what it compiled. Of three or more the last runs what waits, so that on two cores two compute.
    Each helps the others when nothing of its own is left; the one that waits, where none trains.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        name = Path(file).name
        return "sharing" if name in SHARING else "browsing" if name in BROWSING else file

    def _kind(self, scope: str) -> str:
        if self.numnodes > 2 and (scope == "browsing" or Path(scope).name in WAITING):
            return "waits"
        return "trains" if scope == "sharing" or TRAINING in scope else "other"

    def _next(self, node: WorkerController) -> str | None:
        """The scope that this process should run next, if there is one for it."""
        of_kind: dict[str, list[str]] = {"waits": [], "trains": [], "other": []}
        for scope in self.workqueue:
            of_kind[self._kind(scope)].append(scope)
        waits, trains, other = of_kind.values()
        if node.gateway.id == "gw0":
            return (trains or other or waits)[0]
        if self.numnodes > 2 and node.gateway.id == f"gw{self.numnodes - 1}":
            return (waits or other[-1:] or [None])[0]
        return (other or trains[-1:] or waits)[0]

    def _assign_work_unit(self, node: WorkerController) -> None:
        scope = self._next(node)
        if scope is not None:
            self.workqueue.move_to_end(scope, last=False)
            super()._assign_work_unit(node)

    def _reschedule(self, node: WorkerController) -> None:
        """A file waits behind the one that runs, and no more: others may be done sooner."""
        if self.workqueue and self._next(node) is None:
            node.shutdown()
        elif not self.workqueue or self._pending_of(self.assigned_work[node]) < 2:
            super()._reschedule(node)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
