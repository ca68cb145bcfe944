"""The train page: what it would start, what it starts, and how a job is followed."""

import json

import pytest

from data.store import annotations, jobs, runs
from data.store.jobs import folder_of
from pipeline.preflight.steps import steps_of
from pipeline.presets.load import load_preset
from tests.workbench.app.views.test_audit import link, press
from workbench.app.views.train import form, preflight
from workbench.jobs import EVAL, GRPO, SFT, runner

PAGE = "train"


@pytest.fixture(autouse=True)
def without_watchers(monkeypatch):
    """Jobs are written down, and nothing is started for them."""
    monkeypatch.setattr(runner, "_watch", lambda store, name: None)


def command(page) -> str:
    """The command that the page shows, without its store."""
    program, option, _, *words = page.code[0].value.split(" ")
    assert (program, option) == ("thinkbench", "--store")
    return " ".join([program, *words])


def test_the_command_is_shown_before_it_is_started(show, here):
    page = show(PAGE)
    assert command(page) == "thinkbench run --preset tiny"
    assert "No job" in page.info[0].value
    assert jobs.jobs(here) == []


def test_an_address_restores_the_form_and_starts_nothing(show, here):
    page = show(PAGE, verb="sft", seed="3", **{"sft.steps": "40", "sft.batching": "packed"})
    assert command(page) == (
        "thinkbench sft --preset tiny --set sft.batching=packed --set sft.steps=40 --seed 3"
    )
    assert jobs.jobs(here) == []


def test_a_place_of_files_is_not_taken_from_an_address(show, here):
    page = show(PAGE, verb="sft", **{"data.records_from": "/etc/passwd", "model.model": "/etc"})
    assert command(page) == "thinkbench sft --preset tiny"


def test_a_knob_counts_whether_or_not_its_fold_is_open_and_its_box_is_drawn_only_there(show, here):
    address = {"verb": "sft", "sft.steps": "7"}
    page = show(PAGE, **address)
    assert command(page) == "thinkbench sft --preset tiny --set sft.steps=7"
    assert not [box for box in page.text_input if box.label.startswith("steps")]
    page = show(PAGE, **address, **{"knobs.sft": "true"})
    [box] = [box for box in page.text_input if box.label.startswith("steps")]
    assert box.value == "7"
    box.set_value("8").run()
    assert command(page) == "thinkbench sft --preset tiny --set sft.steps=8"


def test_a_place_of_files_stays_as_it_was_typed_when_its_fold_is_closed(show, here):
    page = show(PAGE, verb="sft", **{"knobs.data": "true"})
    [box] = [box for box in page.text_input if box.label == "records from"]
    box.set_value("/data/rows").run()
    expected = "thinkbench sft --preset tiny --set data.records_from=/data/rows"
    assert command(page) == expected
    typed = page.session_state["path data.records_from"]
    page = show(PAGE, verb="sft")
    page.session_state["path data.records_from"] = typed  # of the same session, its fold closed
    page.run()
    assert "records from" not in [box.label for box in page.text_input]
    assert command(page) == expected
    assert "data.records_from" not in page.query_params


def test_a_knob_that_cannot_be_is_said_and_cannot_be_started(show, here):
    page = show(PAGE, verb="grpo", **{"grpo.group": "1"})
    assert "group must be at least 2" in " ".join(text.value for text in page.text)
    assert "Start" not in [button.label for button in page.button]


@pytest.mark.parametrize("seed", ["x", "1 --model /etc", "'; drop table jobs; --"])
def test_a_seed_that_is_no_number_is_said(show, here, seed):
    page = show(PAGE, seed=seed[:9])
    assert "seed must be of type int" in " ".join(text.value for text in page.text)


def test_what_a_run_needs_is_shown_before_it_starts(show, here):
    page = show(PAGE, verb="sft")
    assert not page.exception
    assert page.expander[-1].label.startswith("Preflight: Estimated memory")
    page = show(PAGE, verb="sft", preflight="true")
    rows = next(f.value for f in page.dataframe if "at most [GiB]" in f.value)
    assert rows["step"].to_list() == ["sft"]
    assert not next(one for one in page.button if one.label == "Start").disabled


def test_what_cannot_fit_is_not_started_and_what_would_fit_is_said(show, here):
    page = show(PAGE, verb="sft", preset="v6e-1", **{"sft.batch": "4096", "sft.max_tokens": "8192"})
    assert not page.exception
    assert page.expander[-1].label.startswith("Preflight: does not fit")
    assert next(one for one in page.button if one.label == "Start").disabled
    assert any("would fit with: --set sft.batch=" in text.value for text in page.text)


def test_only_the_steps_that_a_verb_runs_can_keep_it_from_starting(show, here):
    large = {"preset": "v6e-1", "sft.batch": "4096", "sft.max_tokens": "8192"}
    page = show(PAGE, verb="run", **large)
    assert next(one for one in page.button if one.label == "Start").disabled
    page = show(PAGE, verb="export", **large)
    assert not next(one for one in page.button if one.label == "Start").disabled
    assert any("nothing to estimate" in one.value for one in page.caption)


@pytest.mark.parametrize(
    ("words", "steps"),
    [
        (["ab", "a@1", "--stage", "sft"], ("eval", "sft")),
        (["ab", "a@1", "--stage", "grpo"], (*EVAL, *SFT, *GRPO)),
        (["export"], ()),
    ],
)
def test_a_trial_after_sft_runs_no_step_of_grpo(words, steps):
    assert preflight.steps_run(words) == steps


def test_every_step_of_a_run_belongs_to_a_verb():
    preset = load_preset("v6e-1").with_knobs("grpo", updates=2)  # which need one step more
    preset = preset.with_knobs("dpo", in_run=True)
    names = [step.name for step in steps_of(preset)]
    begins = preflight.OF_VERB["run"]
    assert {first for first in begins for name in names if name.startswith(first)} == set(begins)
    assert [name for name in names if not name.startswith(begins)] == []
    assert set(preflight.OF_VERB) | {"ab"} == set(form.VERBS)


@pytest.mark.parametrize("digits", [9, 300, 400, 5000])
@pytest.mark.parametrize("knob", ["sft.max_tokens", "sft.batch"])
def test_a_number_that_no_run_could_have_is_said_in_words(show, here, knob, digits):
    page = show(PAGE, verb="sft", preset="v6e-1", **{knob: "9" * digits})
    assert not page.exception
    assert page.error[0].value == "This cannot be started:"
    assert "Start" not in [button.label for button in page.button]


def test_a_trial_is_a_job_of_a_subset_and_its_verdict_is_shown(show, here):
    page = show(PAGE, verb="ab")
    assert "No subset" in page.info[0].value
    annotations.save_subset(here, "short", '{"of": "records"}', ["a"], author="Ann")
    page = show(PAGE, verb="ab", metric="format", seeds="4")
    assert not page.exception
    assert command(page) == (
        "thinkbench ab short@1 --against random --seeds 4 --metric format --stage sft --preset tiny"
    )
    value = {"subset": "short@1", "against": ["short.1.random.0@1"], "metric": "answer", "p": 0.5,
             "stage": "sft", "a": 0.4, "b": 0.5, "difference": 0.1, "low": -0.1, "high": 0.3,
             "verdict": "not distinguishable", "smallest": 0.3, "seeds": [2, 2], "n": 500,
             "by_seed": [[0.4, 0.4], [0.5, 0.5]]}  # fmt: skip
    runs.begin(here, "ab", run="ab-1", config={}, seed=0, inputs={})
    runs.end(here, "ab-1", "done", value)
    page = show(PAGE)
    assert any("Not distinguishable with 2 and 2 seeds" in text.value for text in page.text)


def test_a_trial_offers_only_what_can_be_compared(show, here):
    for name, of in (("rows", "records"), ("more", "records"), ("asked", "problems")):
        annotations.save_subset(here, name, f'{{"of": "{of}"}}', ["a", name], author="Ann")
    page = show(PAGE, verb="ab", trial="asked@1", against="rows@1", after="sft")
    assert command(page).startswith("thinkbench ab asked@1 --against random")
    assert "--stage grpo" in command(page)
    assert "rows@1" in [one.value for one in page.text]
    page = show(PAGE, verb="ab", trial="rows@1")
    against = next(one for one in page.selectbox if one.label == "Control")
    assert against.options == ["random", "more@1"]


def test_a_subset_or_a_model_that_has_gone_is_said_before_all_is_trained_on(show, here):
    page = show(PAGE, verb="sft", model="sft-gone", **{"data.subset": "gone@9"})
    assert command(page) == "thinkbench sft --preset tiny"
    assert any("all records are used" in one.value for one in page.warning)
    assert {"gone@9", "sft-gone"} <= {one.value for one in page.text}


def test_start_makes_one_job_however_often_it_is_pressed(show, here):
    page = show(PAGE, verb="sft", **{"sft.steps": "40"})
    press(page, "Start")
    press(page, "Start")
    [job] = jobs.jobs(here)
    assert job.arguments == ("sft", "--preset", "tiny", "--set", "sft.steps=40")
    assert link(page)["job"] == job.job
    assert any("queued" in one.value for one in page.header)


def test_a_job_shows_how_far_it_is_and_its_log(show, here):
    job, _ = runner.start(here, ["sft"], "ana")
    folder = folder_of(here, job.job)
    folder.mkdir(parents=True)
    work = {"step": 30, "of": 100, "numbers": {"loss": 0.25}, "began": 0, "first": 10, "at": 20}
    progress = {"runs": [["sft", "sft-1"]], "work": {"sft": work}}
    (folder / "progress.json").write_text(json.dumps(progress))
    (folder / "log.txt").write_text("one\x1b[2J\n<script>alert(1)</script>\n")
    page = show(PAGE, job=job.job)
    assert [bar.proto.value for bar in page.get("progress")] == [30]
    assert "sft: 30 of 100. loss 0.25. 70 s left" in [text.value for text in page.text]
    [log] = [one.value for one in page.code if "script" in one.value]
    assert "\x1b" not in log


def test_a_job_is_cancelled_and_started_again_from_the_page(show, here):
    job, _ = runner.start(here, ["sft"], "ana")
    page = show(PAGE, job=job.job)
    press(page, "Cancel")
    assert jobs.job_of(here, job.job).state == "cancelled"
    page = show(PAGE, job=job.job)
    press(page, "Resume")
    again, first = jobs.jobs(here)
    assert (again.state, again.arguments, first.job) == ("queued", ("sft",), job.job)


def test_a_page_that_is_read_only_starts_and_cancels_nothing(show, here, monkeypatch):
    runner.start(here, ["sft"], "ana")
    monkeypatch.setenv("THINKBENCH_READ_ONLY", "1")
    page = show(PAGE)
    assert not page.button


def orphan(here):
    """A job that ran, by what is written down; nothing of it lives."""
    job, _ = runner.start(here, ["sft"], "ana")
    jobs.began(here, job.job, 2**22 + 1)
    return job


def test_a_job_whose_process_has_ended_is_interrupted_whichever_job_is_shown(show, here):
    gone = orphan(here)
    seen, _ = runner.start(here, ["grpo"], "ana")
    for name in (seen.job, gone.job):
        page = show(PAGE, job=name)
        table = next(f.value for f in page.dataframe if "created" in f.value)
        states = dict(zip(table["job"], table["state"], strict=True))
        assert states == {seen.job: "queued", gone.job: "interrupted"}
        assert any(states[name] in one.value for one in page.header)


def test_a_page_that_is_read_only_changes_no_job_by_looking(show, here, monkeypatch):
    job = orphan(here)
    waiting, _ = runner.start(here, ["grpo"], "ana")
    folder_of(here, job.job).mkdir(parents=True)
    (folder_of(here, job.job) / runner.CANCEL).touch()
    monkeypatch.setattr(runner, "_watch", lambda store, name: pytest.fail("it was started"))
    monkeypatch.setattr(runner, "WATCHER_TIMEOUT", -1)
    monkeypatch.setenv("THINKBENCH_READ_ONLY", "1")
    for name in (job.job, waiting.job):
        page = show(PAGE, job=name)
        assert not page.exception
    assert {one.job: one.state for one in jobs.jobs(here)} == {
        job.job: "running",
        waiting.job: "queued",
    }
    assert (folder_of(here, job.job) / runner.CANCEL).exists()


def test_the_newest_lines_of_a_log_are_seen_first_and_more_where_asked_for(show, here):
    job, _ = runner.start(here, ["sft"], "ana")
    folder_of(here, job.job).mkdir(parents=True)
    (folder_of(here, job.job) / "log.txt").write_text(
        "".join(f"line {number}\n" for number in range(5000)) + "9 %\r" * 9000 + "\n"
    )
    page = show(PAGE, job=job.job)
    [log] = [one.value for one in page.code if one.value.count("line ") > 1]
    assert log.splitlines() == [f"line {number}" for number in range(4961, 5000)] + ["9 %"]
    assert any("last 40 lines" in one.value for one in page.caption)
    page = show(PAGE, job=job.job, log="true")
    assert any(one.value.startswith("line 0\n") for one in page.code)


def test_an_address_that_names_no_job_shows_none_and_says_so(show, here):
    runner.start(here, ["sft"], "<b>ana</b>")
    assert any("queued" in one.value for one in show(PAGE).header)
    page = show(PAGE, job="../../etc")
    assert not any("queued" in one.value for one in page.header)
    assert "../../etc" in [one.value for one in page.text]
