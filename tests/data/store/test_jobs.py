"""Jobs: started once, followed, cancelled, found again; by real processes on a real store."""

import json
import os
import signal
import subprocess
import time

import pytest

from data.errors import UserError
from data.store import jobs
from data.store.jobs import folder_of, is_alive, job_of
from data.store.store import ask
from workbench.jobs import progress_file, runner

EVAL = ["eval", "--limit", "4", "--max-tokens", "8"]
TRAIN = ["sft", "--steps", "5000", "--batch", "2", "--lora-rank", "2"]


def until(true, seconds: float = 120.0) -> None:
    """Wait until `true()`; it is a failure if that does not come."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.1)


def ended(store, name: str) -> jobs.Job:
    until(lambda: not job_of(store, name).lives and not is_alive(store, name))
    return job_of(store, name)


@pytest.fixture
def without_watchers(monkeypatch):
    """Jobs are written down, and nothing is started for them."""
    monkeypatch.setattr(runner, "_watch", lambda store, name: None)


def test_a_job_runs_to_its_end_and_tells_what_it_made(store, few):
    job, new = runner.start(store, [*EVAL, "--model", str(few)], "ana")
    assert (new, job.state, job.author) == (True, "queued", "ana")
    done = ended(store, job.job)
    assert (done.state, done.exit_code, done.message) == ("done", 0, None)
    progress = progress_file.read_progress(folder_of(store, job.job) / "progress.json")
    [[stage, run]] = progress["runs"]
    assert stage == "base"
    assert ask(store, "select count(*) from generations where run = $run", run=run).item() == 4
    answer = json.loads((folder_of(store, job.job) / "answer.json").read_text())
    assert answer["run"] == run


def test_what_a_job_was_told_wrong_is_its_message(store):
    job, _ = runner.start(store, ["sft", "--preset", "nope"], "ana")
    failed = ended(store, job.job)
    assert (failed.state, failed.exit_code) == ("failed", 2)
    assert failed.message is not None
    assert failed.message.startswith("Error: there is no preset 'nope'")


def test_training_is_cancelled_between_two_steps_and_keeps_what_it_did(store, few):
    job, _ = runner.start(store, [*TRAIN, "--model", str(few)], "ana")
    path = folder_of(store, job.job) / "progress.json"
    until(lambda: progress_file.read_progress(path)["work"].get("sft", {}).get("step", 0) > 2)
    waiting, _ = runner.start(store, EVAL, "ana")
    assert waiting.state == "queued"  # there is one accelerator
    runner.cancel(store, waiting.job)
    assert ended(store, waiting.job).message == "It was cancelled before it started."
    runner.cancel(store, job.job)
    assert ended(store, job.job).state == "cancelled"
    [run] = ask(store, "select run, event from runs where kind = 'sft'").rows()
    assert run[1] == "interrupted"
    assert (store.folder / "checkpoints" / run[0] / "state").is_dir()


def test_a_job_outlives_its_watcher_and_is_called_lost_when_it_has_gone_too(store, few):
    job, _ = runner.start(store, [*TRAIN, "--model", str(few)], "ana")
    until(lambda: job_of(store, job.job).state == "running")
    group = job_of(store, job.job).pid
    assert group
    [watcher] = _watchers(job.job)
    os.kill(watcher, signal.SIGKILL)
    assert runner.reconcile(store) == []  # its command lives, and holds the lock
    assert job_of(store, job.job).state == "running"
    runner.cancel(store, job.job)  # nobody watches: the command is told directly
    until(lambda: [one.job for one in runner.reconcile(store)] == [job.job])
    assert job_of(store, job.job).state == "lost"


def _watchers(name: str) -> list[int]:
    listed = subprocess.run(
        ["pgrep", "-f", f"workbench.jobs.watcher .*{name}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return [int(line) for line in listed.stdout.split()]


def test_the_same_command_is_not_started_twice_while_it_lives(store, without_watchers):
    first, new = runner.start(store, TRAIN, "ana")
    second, again = runner.start(store, TRAIN, "ben")
    assert (new, again, second.job) == (True, False, first.job)
    other, _ = runner.start(store, [*TRAIN, "--seed", "1"], "ana")
    assert other.job != first.job
    jobs.ended(store, first.job, "done", 0, None)
    third, new = runner.start(store, TRAIN, "ana")
    assert new
    assert third.job != first.job


def test_what_has_ended_stays_as_it_was(store, without_watchers):
    job, _ = runner.start(store, TRAIN, "ana")
    assert runner.cancel(store, job.job).state == "cancelled"
    jobs.ended(store, job.job, "done", 0, None)
    jobs.began(store, job.job, 1)
    assert job_of(store, job.job).state == "cancelled"
    assert runner.cancel(store, job.job).state == "cancelled"


@pytest.mark.parametrize("arguments", [[], ["doctor"], ["--store", "elsewhere"], ["jobs", "start"]])
def test_only_verbs_that_train_or_run_a_model_are_jobs(store, arguments):
    with pytest.raises(UserError, match="expected one of run, sft"):
        runner.start(store, arguments, "ana")
    assert jobs.jobs(store) == []


@pytest.mark.parametrize("name", ["", "..", "../..", "/etc", "x'; drop table jobs; --"])
def test_a_name_that_is_no_job_reaches_no_file(store, name):
    with pytest.raises(UserError):
        runner.log_of(store, name)


def test_a_log_is_shown_from_its_end_as_text(store, without_watchers):
    job, _ = runner.start(store, TRAIN, "ana")
    folder = folder_of(store, job.job)
    folder.mkdir(parents=True)
    (folder / "log.txt").write_bytes(
        b"first\n10 %\r20 %\rdone\n\xff\xfe\n" + b"x" * 30_000 + b"\nlast\n"
    )
    assert runner.log_of(store, job.job).endswith("last\n")
    assert len(runner.log_of(store, job.job)) <= runner.TAIL
    (folder / "log.txt").write_bytes(b"first\n10 %\r20 %\rdone\n\xff\n")
    assert runner.log_of(store, job.job) == "first\ndone\n\ufffd\n"


def test_progress_is_one_file_that_is_replaced_and_tells_the_time_left(tmp_path):
    file = progress_file.ProgressFile(str(tmp_path / "progress.json"))
    file.add_run("sft", "sft-1")
    file.update("sft", 10, 100, {"loss": 0.5, "reward": float("nan")})
    progress = progress_file.read_progress(tmp_path / "progress.json")
    assert progress["runs"] == [["sft", "sft-1"]]
    assert progress["work"]["sft"]["numbers"] == {"loss": 0.5}
    assert progress_file.seconds_left(progress["work"]["sft"]) is None  # one look gives no pace
    work = progress["work"]["sft"] | {"step": 40, "at": progress["work"]["sft"]["began"] + 60}
    assert progress_file.seconds_left(work) == pytest.approx(120)
    assert [path.name for path in tmp_path.iterdir()] == ["progress.json"]
    assert progress_file.read_progress(tmp_path / "none.json") == {"runs": [], "work": {}}
