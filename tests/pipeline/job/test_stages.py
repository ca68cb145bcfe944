"""The whole job at the smallest size: every stage, every table, and a second run."""

import json
import shutil
from contextlib import suppress
from dataclasses import replace

import pytest

from data.errors import UserError
from data.store import runs
from data.store.annotations import BadEntry
from data.store.store import ask, open_store
from data.subsets.recipe import Recipe
from evals.comparison import compare
from evals.curation import choose
from evals.graders import rules
from evals.scores.problems import problems_of_split
from pipeline.config import GRADERS
from pipeline.evaluate.evaluate import fitting
from pipeline.fingerprint.code import code_of
from pipeline.fingerprint.imports import FLOORS
from pipeline.job import export_stage, stages, subset_trial
from pipeline.job.models import model_of
from pipeline.job.runs import Job, StageSpec, outputs_exist, stage_run
from pipeline.model import TINY
from pipeline.model.tokenizer import TURNS, Tokenizer
from pipeline.presets.load import load_preset
from pipeline.stopping import Stop, TimeIsUp
from tests.support import few_rows
from tests.support.opened_files import opened_files

TEST_PROBLEMS, FITTING = few_rows.TEST, 10
LONGEST = 78  # tokens of the longest of the FITTING prompts, which the export's check has too
STAGES = [
    f"pipeline.job.{name}_stage"
    for name in ("training.sft", "training.grpo", "evaluation", "export")
]


def small(model, rows):
    """One count of slots for each model's structure, and one length of a training row."""
    preset = load_preset("tiny")
    return replace(
        preset.with_knobs("model", model=str(model))
        .with_knobs("sft", steps=4, batch=4, checkpoint_every=2, lora_rank=4, max_tokens=128)
        .with_knobs("grpo", steps=2, prompts=2, group=4, evaluate_every=1, lora_rank=4)
        .with_knobs("eval", limit=TEST_PROBLEMS, batch=FITTING, max_prompt_tokens=LONGEST)
        .with_knobs("data", heldout=8, **rows.knobs()),
        name="small",
    )


@pytest.fixture(scope="module")
def job(few, tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    preset = small(few, few_rows.written(folder / "rows"))
    return Job(open_store(folder / "store"), preset, lambda name: lambda step, of, numbers: None)


@pytest.fixture(scope="module")
def result_and_files(job):
    """What the job returns, and the files of the project that it opened."""
    runs.code_revision()  # reads all sources once, and so does `code_of`
    for stage in STAGES:
        code_of(stage)
    with opened_files() as opened:
        returned = stages.run_all(job)
    return returned, opened


@pytest.fixture(scope="module")
def result(result_and_files):
    return result_and_files[0]


def test_the_data_files_that_stages_read_are_among_their_code(result_and_files):
    _, opened = result_and_files
    data_files = {
        path
        for path in opened
        if path.split("/")[0] in FLOORS and not path.endswith((".py", ".pyc", ".pyi"))
    }
    code = set().union(*map(code_of, STAGES))
    cards = {path for path in data_files if path.startswith("data/sources/cards/")}
    assert data_files - cards <= code  # which rows a stage reads is an input of it


def test_a_data_file_that_is_read_is_seen():
    with opened_files() as opened:
        TURNS.read_text()
    assert opened == {"pipeline/tiny/model/chat_template.jinja"}


def test_the_table_has_three_stages_with_n_and_intervals(result):
    assert [row["stage"] for row in result["stages"]] == ["base", "sft", "grpo"]
    for row in result["stages"]:
        assert row["n"] == FITTING
        for metric in ("format", "answer", "partial"):
            interval = row[metric]
            assert interval["n"] == FITTING
            assert 0 <= interval["low"] <= interval["value"] <= interval["high"] <= 1


def test_stages_are_compared_in_pairs_on_the_same_problems(result):
    pairs = {(row["from"], row["to"], row["metric"]) for row in result["comparisons"]}
    for metric in ("format", "answer", "partial"):
        assert {("base", "sft", metric), ("sft", "grpo", metric)} <= pairs
    assert {row["n"] for row in result["comparisons"]} == {FITTING}


@pytest.mark.parametrize(
    "table",
    [
        "records",
        "conversions",
        "examples",
        "problems",
        "checkpoints",
        "generations",
        "scores",
        "rollouts",
        "metrics",
        "runs",
    ],
)
def test_every_table_of_the_job_has_rows(job, result, table):
    assert ask(job.store, f"select count(*) as n from {table}")["n"].item() > 0


def test_every_generation_has_a_score_of_each_grader(job, result):
    counts = ask(job.store, "select grader, count(*) as n from scores group by grader")
    total = ask(job.store, "select count(*) as n from generations")["n"].item()
    assert total == 3 * FITTING
    assert dict(counts.iter_rows()) == dict.fromkeys(GRADERS, total)
    assert ask(job.store, "select count(*) as n from failures")["n"].item() == total


def test_every_record_has_a_conversion_outcome(job, result):
    outcomes = ask(
        job.store,
        """
        select outcome, count(distinct record_id) as n from conversions group by outcome
        """,
    )
    read = ask(job.store, "select count(*) as n from records")["n"].item()
    assert outcomes["n"].sum() == read


def test_a_second_run_repeats_nothing_and_reports_the_same(job, result):
    before = ask(job.store, "select count(*) as n from generations")["n"].item()
    events = ask(job.store, "select count(*) as n from run_events")["n"].item()
    again = stages.run_all(job)
    assert again["stages"] == result["stages"]
    assert ask(job.store, "select count(*) as n from generations")["n"].item() == before
    assert ask(job.store, "select count(*) as n from run_events")["n"].item() == events


def test_a_finished_evaluation_is_graded_again_where_a_grader_has_a_newer_version(
    job, result, few, tmp_path, monkeypatch
):
    store = open_store(shutil.copytree(job.store.folder, tmp_path / "store"))
    newer = replace(rules.GRADERS["strict"], version="newer")
    monkeypatch.setitem(rules.GRADERS, "strict", newer)
    done = stages.evaluate(replace(job, store=store), "base", str(few), None)
    assert compare.stages(store, [done.run]) == result["stages"][:1]
    query = "select count(*) as n from scores where run = $run and grader_version = 'newer'"
    assert ask(store, query, run=done.run)["n"].item() == FITTING


def test_a_changed_knob_reruns_only_the_stages_that_depend_on_it(job, result):
    changed = replace(job, preset=job.preset.with_knobs("grpo", seed=1))
    again = stages.run_all(changed)
    same = [row["run"] for row in again["stages"]][:2] == [row["run"] for row in result["stages"]][
        :2
    ]
    assert same
    assert again["stages"][2]["run"] != result["stages"][2]["run"]


def test_a_failed_stage_is_recorded_and_starts_again_as_a_new_attempt(job, result):
    tries = []

    def work(run):
        tries.append(run)
        if len(tries) == 1:
            raise RuntimeError("the power went out")
        return {"fine": True}

    spec = StageSpec(
        kind="eval", stage="probe", module="pipeline.config.preset", config={"seed": 0}, inputs={}
    )
    with pytest.raises(RuntimeError, match="power"):
        stage_run(job, spec, work)
    broken = runs.state(job.store, tries[0])
    assert broken
    assert (broken["event"], "power" in str(broken["summary"])) == ("failed", True)
    done = stage_run(job, spec, work)
    assert done.summary["fine"] is True
    assert done.run == tries[1] != tries[0]
    assert stage_run(job, spec, work).run == done.run


@pytest.fixture(scope="module")
def ingested(job, tmp_path_factory):
    """Makes a store with the problems of the job, ingested once, and nothing else."""
    first = open_store(tmp_path_factory.mktemp("ingested") / "store")
    stages.prepare(replace(job, store=first), problems=True)

    def copied(folder):
        return open_store(shutil.copytree(first.folder, folder))

    return copied


def test_the_same_seed_gives_the_same_samples_and_another_seed_other_ones(
    job, few, ingested, tmp_path
):
    question = "select problem_id, sample, text, tokens, finish from generations order by all"

    def sampled(name, seed):
        store = ingested(tmp_path / name)
        preset = job.preset.with_knobs("eval", temperature=1.0, samples=2, seed=seed)
        stages.evaluate(Job(store, preset, job.progress), "base", str(few), None)
        return ask(store, question)

    first = sampled("first", 0)
    assert first.equals(sampled("again", 0))
    other = sampled("other", 1)
    assert set(first["text"]) != set(other["text"])
    halves = first.partition_by("sample")
    assert halves[0]["text"].to_list() != halves[1]["text"].to_list()


class AfterOneBlock(Stop):
    """Stops an evaluation after the first block of its decoding."""

    def should_leave(self) -> bool:
        return True


def test_a_resumed_evaluation_generates_only_what_it_lacks_with_the_same_texts(
    job, few, ingested, tmp_path
):
    preset = job.preset.with_knobs("eval", temperature=1.0, samples=2)
    texts, finished = [], []
    for name, stops in {"alone": [Stop()], "broken": [AfterOneBlock(), Stop()]}.items():
        store = ingested(tmp_path / name)
        for stop in stops:
            here = Job(store, preset, job.progress, stop)
            with suppress(TimeIsUp):
                finished.append(stages.evaluate(here, "base", str(few), None))
        texts.append(ask(store, "select * from generations order by all"))
    assert [done.run for done in finished] == [finished[0].run] * 2
    whole, rest = (done.summary["generated"] for done in finished)
    assert (whole, 0 < rest < whole) == (2 * FITTING, True)
    assert [done.summary["generations"] for done in finished] == [whole, whole]
    assert texts[0].equals(texts[1])


def test_a_stage_whose_model_was_removed_is_not_done(job, result):
    [run] = ask(job.store, "select run from runs where kind = 'sft'")["run"].to_list()
    state = runs.state(job.store, run)
    assert state
    folder = model_of(job.store, state["summary"])
    aside = folder.rename(folder.with_name("aside"))
    exist_without_folder = outputs_exist(job, state["summary"])
    aside.rename(folder)
    assert not exist_without_folder
    assert outputs_exist(job, state["summary"])


def test_the_export_loads_and_was_compared(job, result):
    exported = result["export"]
    assert exported["prompts_compared"] > 0
    assert (job.store.folder / "exports").is_dir()


def test_problems_with_too_long_prompts_are_left_out_and_counted(job, result):
    problems = problems_of_split(job.store, job.preset.data.problems, "test").usable
    fit = fitting(problems, Tokenizer(TINY), LONGEST)
    assert (problems.height, fit.problems.height) == (TEST_PROBLEMS, FITTING)
    for row in result["stages"]:
        summary = state_of(job, row["run"])["summary"]
        assert summary["too_long"] == len(fit.too_long) == TEST_PROBLEMS - FITTING
        written = ask(
            job.store, "select problem_id from generations where run = $run", run=row["run"]
        )
        assert set(written["problem_id"]) == set(fit.problems["problem_id"])


def state_of(job, run: str) -> dict:
    state = runs.state(job.store, run)
    assert state is not None
    return state


@pytest.fixture(scope="module")
def tried(job, result):
    """A small subset against random ones of the same tokens, two seeds."""
    chosen = Recipe(sources=("samples-stratos",), where="reasoning_chars < 200", sample=40)
    short, _ = choose.save(job.store, "short", chosen, "Ann")
    return short, subset_trial.ab(job, subset_trial.Trial("short", seeds=2), job.preset.model.model)


def test_a_subset_is_compared_with_random_ones_of_as_many_tokens(job, tried):
    short, value = tried
    assert value["subset"] == short.label
    assert value["seeds"] == (2, 2)
    assert value["n"] == FITTING
    assert value["verdict"] == "not distinguishable"
    assert value["low"] <= value["difference"] <= value["high"]
    budget = choose.choice(job.store, Recipe(parent=short.label)).tokens
    for label in value["against"]:
        drawn = choose.choice(job.store, Recipe(parent=label))
        assert drawn.tokens is not None
        assert budget is not None
        assert 0.8 * budget < drawn.tokens <= budget
    assert len(set(value["against"])) == 2


def test_each_run_of_a_trial_records_the_subset_it_was_trained_on(job, tried):
    _, value = tried
    for arm, labels in (("subset", [value["subset"]] * 2), ("against", value["against"])):
        for run, label in zip(value["runs"][arm], labels, strict=True):
            trained = state_of(job, state_of(job, run)["parent"])
            assert trained["inputs"]["subset"].startswith(f"{label} ")
            assert trained["summary"]["examples"] + trained["summary"]["too_long"] <= 50


def test_a_repeated_trial_trains_nothing_and_is_the_same_run(job, tried):
    _, value = tried
    before = ask(job.store, "select count(*) as n from run_events")["n"].item()
    again = subset_trial.ab(job, subset_trial.Trial("short", seeds=2), job.preset.model.model)
    assert again["run"] == value["run"]
    assert ask(job.store, "select count(*) as n from run_events")["n"].item() == before


def test_a_subset_of_all_rows_cannot_be_compared_with_a_random_one(job, result):
    choose.save(job.store, "all", Recipe(sources=("samples-stratos",)), "Ann")
    with pytest.raises(BadEntry, match="a random one would be the same"):
        subset_trial.ab(job, subset_trial.Trial("all"), job.preset.model.model)


def test_grpo_trains_on_the_problems_of_a_subset(job, result):
    recipe = Recipe(of="problems", sources=("samples-gsm8k",), sample=60)
    few, _ = choose.save(job.store, "few", recipe, "Ann")
    tuned = state_of(job, result["stages"][1]["run"])["parent"]
    model = model_of(job.store, state_of(job, tuned)["summary"])
    with_subset = replace(job, preset=job.preset.with_knobs("data", problem_subset="few"))
    done = stages.train_grpo(with_subset, model, tuned)
    trained = ask(job.store, "select distinct problem_id from rollouts where run = $r", r=done.run)
    assert set(trained["problem_id"]) <= set(few.ids)
    assert state_of(job, done.run)["inputs"]["subset"] == f"{few.label} {few.content_hash}"


def test_training_says_from_which_model_and_on_which_device(job, result):
    rows = ask(job.store, "select run, kind, summary from runs where kind in ('sft', 'grpo')")
    summaries = {row["kind"]: json.loads(row["summary"]) for row in rows.to_dicts()}
    assert summaries["sft"]["start"] == {"name": "model", "licence": None}
    assert "start" not in summaries["grpo"]
    for summary in summaries.values():
        assert [text.partition(",")[0] for text in summary["devices"]] == ["CPU"]


def test_the_adapter_of_both_stages_is_exported_for_the_base_that_was_trained(
    job, result, few, tmp_path
):
    run = result["stages"][2]["run"]
    trained = runs.state(job.store, run)
    assert trained
    out = tmp_path / "adapter"
    done = export_stage.export_adapter(job, trained["parent"], str(few), out)
    assert done.summary["rank"] == 8
    assert len(done.summary["runs"]) == 2
    assert done.summary["merged_dtype"] == "float32"
    assert done.summary["weights_equal"] > 0.5
    assert done.summary["largest_difference"] < 1e-6
    assert {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json"} <= {
        path.name for path in out.iterdir()
    }
    with pytest.raises(UserError, match="was not trained from tiny"):
        export_stage.export_adapter(job, trained["parent"], "tiny", tmp_path / "other")
    first = job.folder / done.summary["runs"][0] / "peft"
    first.rename(tmp_path / "aside")
    with pytest.raises(UserError, match="Runs that ended before"):
        export_stage.export_adapter(job, trained["parent"], str(few), tmp_path / "older")
    (tmp_path / "aside").rename(first)
    assert not (tmp_path / "older").exists()
