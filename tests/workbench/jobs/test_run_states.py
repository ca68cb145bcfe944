"""True states of runs: running while its lock is held, interrupted or cancelled when it is not."""

import json

from data.store import folder_of, jobs, runs
from data.store.files import locked
from workbench.jobs.run_states import run_list


def begun(store, run: str) -> None:
    runs.begin(store, "sft", run=run, stage="sft", config={}, seed=0, inputs={})


def test_a_run_is_running_only_while_a_process_works_on_it(store):
    def states() -> dict[str, str]:
        return {row["run"]: row["state"] for row in run_list(store)}

    with locked(store.folder / "checkpoints/killed"):
        begun(store, "killed")
        assert states() == {"killed": "running"}
    begun(store, "no-lock")  # as an export, which is short
    begun(store, "failed")
    runs.end(store, "failed", "failed", {})
    assert states() == {"killed": "interrupted", "no-lock": "started", "failed": "failed"}


def test_a_run_is_cancelled_if_the_last_job_that_worked_on_it_was(store):
    begun(store, "mine")
    runs.end(store, "mine", "interrupted", {})
    for end in ("cancelled", "done"):
        job, _ = jobs.submit(store, ["sft"], "ana")
        folder = folder_of(store, job.job)
        folder.mkdir(parents=True)
        progress = {"runs": [["sft", "mine"]], "work": {}}
        (folder / "progress.json").write_text(json.dumps(progress))
        jobs.ended(store, job.job, end, 0, "")
        expected = "cancelled" if end == "cancelled" else "interrupted"
        assert [row["state"] for row in run_list(store)] == [expected]
