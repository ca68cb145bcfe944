"""Metrics outside the store: TensorBoard's file read back, and a wandb that records its calls."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from pipeline import distributed
from pipeline.config import BadConfig
from pipeline.train.loggers import writers
from pipeline.train.metrics import StoreMetrics


class Wandb(ModuleType):
    """As wandb: `init` gives the run that is active, unless it is asked to finish that one."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.runs: list[SimpleNamespace] = []

    def init(self, *, project: str, name: str, resume: str, reinit: str, **settings: str):
        active = [run for run in self.runs if not run.finished]
        if active and reinit != "finish_previous":
            return active[-1]
        for run in active:
            run.finish()
        run = SimpleNamespace(
            id=settings["id"],
            name=name,
            project=project,
            rows=[],
            metrics={},
            finished=False,
            finishes=0,
        )
        run.log = run.rows.append

        def define_metric(name: str, **how: object) -> None:
            run.metrics[name] = how

        def finish() -> None:
            run.finished, run.finishes = True, run.finishes + 1

        run.define_metric, run.finish = define_metric, finish
        self.runs.append(run)
        return run


@pytest.fixture
def wandb(monkeypatch) -> Wandb:
    module = Wandb()
    monkeypatch.setitem(sys.modules, "wandb", module)
    return module


def metrics_of(store, run: str, *logs: str) -> StoreMetrics:
    return StoreMetrics(store, run, writers(logs, store.folder / "tensorboard", run))


def note_two_steps(metrics: StoreMetrics) -> None:
    for step in (1, 2):
        metrics.note(step, "loss", 2.0 / step)
        metrics.note(step, "rate", 0.5)


def test_each_stage_is_a_run_of_its_own_in_wandb_which_ends_with_it(store, wandb):
    for run in ("sft-1", "grpo-1"):
        metrics = metrics_of(store, run, "wandb")
        note_two_steps(metrics)
        metrics.close()
        metrics.close()
    assert [(run.id, run.name, run.finishes) for run in wandb.runs] == [
        ("sft-1", "sft-1", 1),
        ("grpo-1", "grpo-1", 1),
    ]
    rows = [{"loss": 2.0, "rate": 0.5, "step": 1}, {"loss": 1.0, "rate": 0.5, "step": 2}]
    assert [run.rows for run in wandb.runs] == [rows, rows]


def test_a_stage_whose_run_was_left_open_by_an_error_is_no_part_of_the_next(store, wandb):
    metrics_of(store, "sft-1", "wandb").note(1, "loss", 2.0)
    metrics = metrics_of(store, "grpo-1", "wandb")
    metrics.note(1, "reward", 3.0)
    metrics.close()
    assert [(run.id, run.finished) for run in wandb.runs] == [("sft-1", True), ("grpo-1", True)]
    assert wandb.runs[1].rows == [{"reward": 3.0, "step": 1}]


def test_the_axis_of_every_number_in_wandb_is_our_own_step(store, wandb):
    metrics_of(store, "r", "wandb")
    assert wandb.runs[0].metrics == {"step": {"hidden": True}, "*": {"step_metric": "step"}}


def test_what_the_store_keeps_is_in_wandb_too_so_that_a_killed_run_lacks_nothing(store, wandb):
    metrics = metrics_of(store, "r", "wandb")
    metrics.note(1, "loss", 2.0)
    metrics.flush()
    resumed = metrics_of(store, "r", "wandb")
    resumed.resume(0)
    note_two_steps(resumed)
    resumed.close()
    rows = [row for run in wandb.runs for row in run.rows]
    assert rows == [
        {"loss": 2.0, "step": 1},
        {"rate": 0.5, "step": 1},
        {"loss": 1.0, "rate": 0.5, "step": 2},
    ]


def test_of_several_processes_the_first_alone_writes_to_wandb(store, wandb, monkeypatch):
    monkeypatch.setattr(distributed.jax, "process_index", lambda: 1)
    metrics = metrics_of(store, "r", "wandb", "tensorboard")
    note_two_steps(metrics)
    metrics.close()
    assert wandb.runs == []
    assert list((store.folder / "tensorboard" / "r").iterdir())
    monkeypatch.undo()
    assert distributed.is_first()


def test_a_log_that_is_not_installed_or_not_known_says_so(store, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(BadConfig, match="pip install wandb"):
        metrics_of(store, "r", "wandb")
    with pytest.raises(BadConfig, match="expected one of tensorboard, wandb"):
        metrics_of(store, "r", "nope")


def test_the_file_of_tensorboard_holds_the_numbers_with_their_steps(store):
    from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportAttributeAccessIssue]

    metrics = metrics_of(store, "r", "tensorboard", "tensorboard")
    note_two_steps(metrics)
    metrics.close()
    [path] = (store.folder / "tensorboard" / "r").iterdir()
    points = []
    for record in records(path.read_bytes()):
        event = Event.FromString(record)
        points += [(event.step, one.tag, one.simple_value) for one in event.summary.value]
    assert points == [(1, "loss", 2.0), (1, "rate", 0.5), (2, "loss", 1.0), (2, "rate", 0.5)]


def records(file: bytes):
    """Of a TFRecord file: a length of eight bytes, its checksum of four, the record, and its."""
    while file:
        size = int.from_bytes(file[:8], "little")
        yield file[12 : 12 + size]
        file = file[16 + size :]
