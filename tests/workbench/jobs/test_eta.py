"""The time left of a full pipeline run: what it is estimated from, and what is unknown."""

import json
from dataclasses import replace
from typing import Any

import pytest

from data.store import jobs, name_of_kind, runs
from data.store.jobs import folder_of
from data.store.store import Store
from pipeline.config import Preset, as_json
from pipeline.presets.load import load_preset
from tests.workbench.app.views.test_audit import link
from workbench.app.views.train import progress
from workbench.jobs import eta, runner

PAGE = "train"
TINY = load_preset("tiny")
PACE = {"step": 30, "of": 100, "numbers": {}, "began": 0, "first": 10, "at": 20}  # 70 s to go
HALFWAY = {"runs": [["base", "eval-base-1"], ["sft", "sft-1"]], "work": {"sft": PACE}}


def took(store: Store, kind: str, stage: str, run: str, seconds: float, of: Preset = TINY) -> None:
    section = name_of_kind(kind)
    config = {"out": "x"} if kind == "export" else as_json(getattr(of, section)) | as_json(of.model)
    runs.begin(store, kind, run=run, stage=stage, config=config, seed=0, inputs={})
    runs.end(store, run, "done", {"seconds": seconds})


def stages(store: Store, words: list[str], progress: dict[str, Any] = HALFWAY):
    preset = eta.preset_of(words)
    return eta.stages(preset, progress, eta.durations(store), lives=True)


def left(pipeline) -> dict[str, float | None]:
    return {one.name: one.left for one in pipeline}


def test_a_stage_that_was_never_measured_is_unknown_and_the_sum_a_lower_bound(store):
    took(store, "eval", "base", "eval-base-1", 9.0)
    pipeline = stages(store, ["run", "--preset", "v6e-1"])
    assert [one.state for one in pipeline] == ["done", "running", *["waits"] * 4]
    assert list(left(pipeline).values()) == [0.0, 70.0, None, None, None, None]
    assert eta.sentence(pipeline) == (
        "Full pipeline: at least 70 s left. Unknown: evaluate sft, grpo, evaluate grpo, export; the"
        " store has no run with these knobs."
    )


def test_earlier_runs_with_the_same_knobs_estimate_a_stage(store):
    took(store, "grpo", "grpo", "grpo-old", 100.0)
    took(store, "eval", "grpo", "eval-grpo-old", 5.0)
    took(store, "export", "export", "export-old", 3.0)
    took(store, "eval", "base", "eval-base-1", 9.0)
    pipeline = stages(store, ["run", "--seed", "7", "--set", "eval.grader=lenient"])
    # the store has no evaluation of this stage, so the newest of another counts
    assert left(pipeline) == {"evaluate base": 0.0, "sft": 70.0, "evaluate sft": 9.0, "grpo": 100.0,
                           "evaluate grpo": 5.0, "export": 3.0}  # fmt: skip
    assert eta.sentence(pipeline) == "Full pipeline: about 3 min left."
    assert [one.source for one in pipeline][1:4] == [
        *("its pace so far", "duration of eval-base-1", "duration of grpo-old")
    ]
    assert left(stages(store, ["run", "--set", "grpo.steps=999"]))["grpo"] is None


def test_an_evaluation_of_train_problems_estimates_one_where_there_is_no_other(store):
    limited = ["run", "--set", "eval.limit=8"]
    preset = eta.preset_of(limited)
    assert preset
    on_train = replace(preset, eval=replace(preset.eval, split="train"))
    took(store, "eval-train", "sft-train", "eval-sft-train-old", 4.0, on_train)
    empty: dict[str, Any] = {"runs": [], "work": {}}
    assert left(stages(store, limited, empty))["evaluate sft"] == 4.0
    # of all problems of another split nobody knows how many there are
    assert left(stages(store, ["run"], empty))["evaluate sft"] is None
    took(store, "eval", "base", "eval-base-old", 5.0, preset)
    assert left(stages(store, limited, empty))["evaluate sft"] == 5.0


def test_without_measurements_everything_is_unknown(store):
    pipeline = stages(store, ["run"], {"runs": [], "work": {}})
    assert "time left unknown" in eta.sentence(pipeline)


@pytest.mark.parametrize("words", [["--preset", "gone.toml"], ["--set", "none.such=1"]])
def test_without_a_readable_preset_there_is_no_estimate(store, words):
    assert eta.preset_of(["run", *words]) is None
    took(store, "grpo", "grpo", "grpo-old", 100.0)
    assert left(stages(store, ["run", *words]))["grpo"] is None


def test_the_train_page_shows_each_stage_of_a_pipeline(show, here, monkeypatch):
    monkeypatch.setattr(runner, "_watch", lambda store, name: None)
    monkeypatch.setattr(progress, "_links", lambda run, stage: None)  # to pages that are not here
    took(here, "eval", "base", "eval-base-1", 9.0)
    job, _ = runner.start(here, ["run", "--preset", "tiny"], "ana")
    folder_of(here, job.job).mkdir(parents=True)
    (folder_of(here, job.job) / "progress.json").write_text(json.dumps(HALFWAY))
    page = show(PAGE)
    assert any("at least 88 s left. Unknown: grpo, export;" in one.value for one in page.text)
    [table] = [one.value for one in page.dataframe if "stage" in one.value]
    assert table["duration"].to_list()[:2] == ["9 s", ""]
    jobs.ended(here, job.job, "failed", 1, "No.")
    page = show(PAGE)
    [table] = [one.value for one in page.dataframe if "stage" in one.value]
    assert table["state"].to_list()[:2] == ["done", "not done"]
    assert not any("Full pipeline" in one.value for one in page.text)


def test_the_shown_job_stays_when_another_is_started(show, here, monkeypatch):
    monkeypatch.setattr(runner, "_watch", lambda store, name: None)
    first, _ = runner.start(here, ["sft"], "ana")
    page = show(PAGE)
    assert link(page)["job"] == first.job
    runner.start(here, ["grpo"], "ben")
    page.run()
    assert link(page)["job"] == first.job
    assert f"thinkbench --store {here.folder} sft" in [one.value for one in page.code]
