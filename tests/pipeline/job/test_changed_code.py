"""A run whose code alone differs is neither orphaned nor reused unless a person says so."""

from dataclasses import replace

import pytest

from data.errors import UserError
from data.progress import no_progress
from data.store import runs
from data.store.store import ask
from pipeline.fingerprint import hash_of
from pipeline.job import runs as job_runs
from pipeline.job.runs import Job, StageSpec, stage_run
from pipeline.presets.load import load_preset

BEFORE = {"pipeline/train/sft.py": "1", "pipeline/loss/sft.py": "1"}
NOW = BEFORE | {"pipeline/train/sft.py": "2"}
SPEC = StageSpec(
    kind="sft", stage="sft", module="m", config={"seed": 0}, inputs={"model": "m"}, resumable=True
)


class Stage:
    """A stage that can be asked for again, by other code too."""

    def __init__(self, store, monkeypatch) -> None:
        self.job = Job(store, load_preset("tiny"), lambda name: no_progress)
        self.monkeypatch = monkeypatch
        self.works: list[str] = []

    def __call__(
        self,
        code,
        accept: bool | None = None,
        error: BaseException | None = None,
        spec: StageSpec = SPEC,
    ) -> str:
        def work(run: str) -> dict:
            self.works.append(run)
            if error:
                raise error
            return {}

        self.monkeypatch.setattr(job_runs, "code_of", lambda module: code)
        return stage_run(replace(self.job, accept_code_change=accept), spec, work).run

    def interrupted(self, code, steps: int) -> str:
        """The name of a run that was interrupted after `steps` steps."""
        with pytest.raises(KeyboardInterrupt):
            self(code, error=KeyboardInterrupt())
        for step in range(1, steps + 1):
            (self.job.folder / self.works[-1] / "state" / str(step)).mkdir(parents=True)
        return self.works[-1]


@pytest.fixture
def stage(store, monkeypatch):
    return Stage(store, monkeypatch)


def events(store) -> list[tuple]:
    return ask(store, 'select run, event, inputs from run_events order by "at"').rows()


def state_of(store, run: str) -> dict:
    state = runs.state(store, run)
    assert state is not None
    return state


def codes(store, run: str) -> list[str]:
    inputs = state_of(store, run)["inputs"]
    return [digest for name, digest in inputs.items() if name.startswith("code")]


def test_a_finished_run_of_other_code_is_refused_by_name(store, stage):
    run = stage(BEFORE)
    before = events(store)
    with pytest.raises(UserError) as refused:
        stage(NOW)
    assert str(refused.value) == (
        f"run {run} (done) has the same configuration and inputs, but other code (changed:"
        " pipeline/train/sft.py). To go on with it, which records both versions of the code:"
        " --accept-code-change. To start a new run: --rerun-changed-code."
    )
    assert (events(store), stage.works) == (before, [run])


def test_a_finished_run_that_is_accepted_holds_both_codes_and_needs_no_second_word(store, stage):
    run = stage(BEFORE)
    ended = state_of(store, run)["ended_at"]
    assert stage(NOW, accept=True) == run
    state = state_of(store, run)
    assert codes(store, run) == [hash_of(BEFORE), hash_of(NOW)]
    assert (state["event"], (state["ended_at"] - ended).total_seconds() < 0.001) == ("done", True)
    before = events(store)
    assert (stage(NOW), stage(NOW, accept=True)) == (run, run)
    assert (events(store), stage.works) == (before, [run])


def test_code_that_changes_again_or_back_is_refused_again(store, stage):
    run = stage(BEFORE)
    stage(NOW, accept=True)
    for code in (BEFORE, NOW | {"evals/new.py": "1"}):
        with pytest.raises(UserError, match="other code"):
            stage(code)
    stage(BEFORE, accept=True)
    assert codes(store, run) == [hash_of(code) for code in (BEFORE, NOW, BEFORE)]


def test_a_new_run_of_the_changed_code_is_found_again(stage):
    run = stage(BEFORE)
    new = stage(NOW, accept=False)
    assert new != run
    assert (stage(NOW), stage(BEFORE)) == (new, run)
    assert stage.works == [run, new]


def test_an_interrupted_run_with_a_checkpoint_is_refused_or_resumed(store, stage):
    run = stage.interrupted(BEFORE, steps=2)
    with pytest.raises(UserError, match=rf"run {run} \(interrupted\).*pipeline/train/sft.py"):
        stage(NOW)
    assert stage(NOW, accept=True) == run
    assert codes(store, run) == [hash_of(BEFORE), hash_of(NOW)]


def test_a_run_that_was_accepted_and_interrupted_again_resumes_without_the_option(store, stage):
    run = stage.interrupted(BEFORE, steps=2)
    with pytest.raises(KeyboardInterrupt):
        stage(NOW, accept=True, error=KeyboardInterrupt())
    assert stage(NOW) == run
    assert codes(store, run) == [hash_of(BEFORE), hash_of(NOW)]


def test_an_interrupted_run_without_a_checkpoint_has_nothing_to_lose(stage):
    run = stage.interrupted(BEFORE, steps=0)
    assert stage(NOW) != run


def test_the_newest_run_is_the_one_that_can_be_accepted(stage):
    stage(BEFORE)
    new = stage(NOW, accept=False)
    assert stage(NOW | {"evals/new.py": "1"}, accept=True) == new


def test_a_run_that_did_not_record_its_files_says_so(store, stage):
    stage(BEFORE)
    for file in (store.folder / "code").iterdir():
        file.unlink()
    with pytest.raises(UserError, match="it does not say by which: a version of thinkbench that"):
        stage(NOW)


def files_of(store) -> list[str]:
    kinds = ("*.json", "*.parquet")
    return sorted(str(path) for kind in kinds for path in store.folder.rglob(kind))


def test_a_finished_run_is_found_without_a_write_to_the_store(store, stage):
    run = stage(BEFORE)
    for file in (store.folder / "code").iterdir():
        file.unlink()
    before = files_of(store)
    assert stage(BEFORE) == run
    assert files_of(store) == before


@pytest.mark.parametrize("steps", [0, 2])
@pytest.mark.parametrize("accept", [None, False])
def test_resume_starts_no_other_run_where_the_code_changed(store, stage, steps, accept):
    run = stage.interrupted(BEFORE, steps)
    stage.job = replace(stage.job, resume=run)
    with pytest.raises(UserError, match=rf"run {run} .*--rerun-changed-code without --resume\."):
        stage(NOW, accept=accept)
    assert stage.works == [run]
    assert stage(NOW, accept=True) == run


def test_a_knob_that_a_run_lacks_counts_as_what_was_done_before_it(stage):
    run = stage(BEFORE)
    padded = replace(SPEC, config=SPEC.config | {"batching": "padded"})
    assert stage(BEFORE, spec=padded) == run
    with pytest.raises(UserError, match=r"but other code \(changed: pipeline/train/sft.py\). To"):
        stage(NOW, spec=padded)
    assert stage(NOW, spec=padded, accept=True) == run
    packed = replace(SPEC, config=SPEC.config | {"batching": "packed"})
    assert stage(NOW, spec=packed) != run


@pytest.mark.parametrize("steps", [0, 2])
def test_a_run_before_a_knob_whose_past_is_not_known_is_refused_or_accepted(store, stage, steps):
    run = stage.interrupted(BEFORE, steps) if steps else stage(BEFORE)
    newer = replace(SPEC, config=SPEC.config | {"new_knob": 3})
    with pytest.raises(UserError) as refused:
        stage(NOW, spec=newer)
    assert "other code (changed: pipeline/train/sft.py); it was started before" in str(
        refused.value
    )
    assert "before there was new_knob, and what it did in its place is not" in str(refused.value)
    assert stage(NOW, spec=newer, accept=True) == run
    assert codes(store, run) == [hash_of(BEFORE), hash_of(NOW)]
    assert stage(NOW, spec=newer) == run
    assert stage(NOW | {"evals/new.py": "1"}, spec=newer, accept=False) != run


CAP = {"importance_cap": 2.0}  # the default, which is not what was done before


def test_a_run_before_a_default_that_does_another_thing_is_refused_with_the_value(store, stage):
    grpo = replace(SPEC, kind="grpo", stage="grpo")
    run = stage(BEFORE, spec=grpo)
    newer = replace(grpo, config=grpo.config | CAP)
    for accept in (None, True):
        with pytest.raises(UserError, match=r"as if with importance_cap 0\.0\.") as refused:
            stage(NOW, spec=newer, accept=accept)
        assert "code: --set grpo.importance_cap=0.0 --accept-code-change." in str(refused.value)
    as_before = replace(grpo, config=grpo.config | {"importance_cap": 0.0})
    assert stage(NOW, spec=as_before, accept=True) == run
    assert stage(NOW, spec=newer, accept=False) != run


def test_a_new_knob_that_somebody_sets_makes_another_run(stage):
    grpo = replace(SPEC, kind="grpo", stage="grpo")
    run = stage(BEFORE, spec=grpo)
    assert stage(NOW, spec=replace(grpo, config=grpo.config | {"importance_cap": 3.0})) != run


@pytest.mark.parametrize(("knob", "value"), [("new_knob", 3), ("batching", "padded")])
def test_a_run_that_lacks_a_knob_can_be_resumed_by_name(stage, knob, value):
    run = stage.interrupted(BEFORE, steps=2)
    stage.job = replace(stage.job, resume=run)
    newer = replace(SPEC, config=SPEC.config | {knob: value})
    with pytest.raises(UserError, match=r"--rerun-changed-code without --resume\."):
        stage(NOW, spec=newer)
    assert stage(NOW, spec=newer, accept=True) == run
