"""SFT must not teach texts that are cut off later: `run` and `ab` are refused, `sft` warns."""

import json
import shutil

import pytest

from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.progress import no_progress
from data.sources.ingest import ingest
from data.store import ask, runs
from data.subsets import Recipe
from evals.curation import choose
from pipeline.job import Job, Trial, ab, stages
from pipeline.job.training import lengths_of
from pipeline.presets.load import load_preset
from workbench.lookup import starting_model, stored_lengths, too_short_for

LONG = ("--set", "data.records=sums", "--set", "grpo.max_tokens=16", "--set", "eval.max_tokens=16")


@pytest.fixture
def sums(store, tmp_path):
    """The store with four records whose reasoning has about 60 tokens."""
    rows = [
        {"question": f"Ann has {n} pens?", "answer": "so " * 60 + f"\n#### {n}"} for n in range(4)
    ]
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(store, "sums", path, "gsm8k")
    convert_source(store, "sums")
    return store


def job_with(store, few, grpo: int, evaluation: int) -> Job:
    preset = load_preset("tiny").with_knobs("model", model=str(few))
    preset = preset.with_knobs("data", records="sums").with_knobs("sft", max_tokens=512)
    preset = preset.with_knobs("grpo", max_tokens=grpo).with_knobs("eval", max_tokens=evaluation)
    return Job(store, preset, lambda name: no_progress)


def test_a_whole_run_is_refused_before_anything_is_evaluated(sums, few):
    with pytest.raises(UserError, match=r"100% longer than grpo.max_tokens \(16\); at most 10%"):
        stages.run_all(job_with(sums, few, 16, 512))
    assert ask(sums, "select * from runs where kind in ('eval', 'sft')").is_empty()


def test_a_trial_is_refused_by_the_limits_of_the_stages_that_it_runs(sums, few):
    choose.save(sums, "some", Recipe(sources=("sums",), where="row < 3"), "Ann")
    with pytest.raises(UserError, match=r"100% longer than eval.max_tokens \(16\); at most"):
        ab(job_with(sums, few, 16, 16), Trial("some"), str(few))
    with pytest.raises(UserError, match=r"100% longer than grpo.max_tokens \(16\); at most"):
        ab(job_with(sums, few, 16, 512), Trial("some", stage="grpo"), str(few))
    assert ask(sums, "select * from runs where kind in ('eval', 'sft')").is_empty()


def test_sft_warns_before_it_trains(say, here, tmp_path, sums, few):
    short = ("--max-tokens", "512", "--time-limit", "1s")
    code, _, err = say("sft", *LONG, *short, "--model", few)
    assert code != 0  # the time is up before the first step
    assert "Warning: SFT would learn from 4 completions of p50" in err
    _, _, err = say("sft", *LONG, *short, "--model", few, "--set", "data.longer_than_rollouts=1")
    assert "Warning" not in err


def test_preflight_shows_the_lengths_that_are_counted(say, sums, few):
    chosen = (*LONG, "--set", f"model.model={few}", "--set", "sft.max_tokens=512")
    arguments = ("preflight", "--preset", "tiny", "--estimate", *chosen)
    _, out, _ = say(*arguments)
    assert f"not counted in this store; thinkbench audit sums --model {few}" in out
    code, _, err = say("audit", "sums", "--model", few)
    assert code == 0, err
    _, out, _ = say(*arguments, "--json")
    value = json.loads(out)
    assert value["completion_tokens"]["completions"] == 4
    assert value["completion_tokens"]["longer than grpo.max_tokens"] == 4
    assert "--set grpo.max_tokens=" in value["disagreement"]
    _, out, _ = say(*arguments)
    assert "Tokens of the completions that SFT learns from" in out
    assert "SFT would learn from 4 completions" in out
    code, out, _ = say(*arguments, "--set", "data.records_filter=row > 999999999")
    assert code == 0
    assert "It fits." in out
    assert "no record of sums is left to train on" in out


def test_the_counted_lengths_are_of_the_examples_that_will_train(sums, few):
    job = job_with(sums, few, 16, 16)
    [converter] = ask(sums, "select converter from newest_converters")["converter"]
    tokens = lengths_of(job, few, converter).tokens
    preset = job.preset.with_knobs("data", records_filter="row < 3 and tokens > 0")
    lengths_of(Job(sums, preset, job.progress), few, converter)  # counts
    whole, some = stored_lengths(sums, job.preset), stored_lengths(sums, preset)
    assert whole is not None
    assert some is not None
    assert sorted(whole.tokens) == sorted(tokens)
    assert len(some.tokens) == 3
    assert stored_lengths(sums, job.preset.with_knobs("sft", max_tokens=20)) is None


def test_lengths_that_a_model_counted_are_those_of_all_with_its_tokenizer(sums, few, tmp_path):
    trained = shutil.copytree(few, tmp_path / "trained")
    job = job_with(sums, trained, 16, 16)
    preset = job.preset.with_knobs("data", records_filter="tokens > 0")
    [converter] = ask(sums, "select converter from newest_converters")["converter"]
    lengths_of(Job(sums, preset, job.progress), trained, converter)  # counts
    lengths = stored_lengths(sums, job_with(sums, few, 16, 16).preset)
    assert lengths is not None
    assert len(lengths.tokens) == 4
    tiny = stored_lengths(sums, job_with(sums, "google/gemma-3-1b-it", 16, 16).preset)
    assert tiny is None


def test_grpo_is_told_what_its_start_learned_to_write(store):
    runs.begin(store, "sft", run="sft-1", stage="sft", config={}, seed=0, inputs={})
    lengths = {"p50": 300, "p90": 900, "p99": 1_000}
    runs.end(store, "sft-1", "done", {"model": "checkpoints/x", "completion_tokens": lengths})
    start = starting_model(store, "sft-1")
    preset = load_preset("tiny").with_knobs("grpo", max_tokens=768)
    assert "--set grpo.max_tokens=960" in str(too_short_for(store, start, preset))
    assert too_short_for(store, start, preset.with_knobs("grpo", max_tokens=900)) is None
    allowed = preset.with_knobs("data", longer_than_rollouts=1.0)
    assert too_short_for(store, start, allowed) is None
    assert too_short_for(store, starting_model(store, "tiny"), preset) is None


def test_tokens_are_counted_under_the_name_of_the_model_that_trains(sums, few):
    job = job_with(sums, few, 16, 16)
    preset = job.preset.with_knobs("model", model="google/gemma-3-1b-it")
    preset = preset.with_knobs("data", records_filter="tokens > 0")
    [converter] = ask(sums, "select converter from newest_converters")["converter"]
    lengths_of(Job(sums, preset, job.progress), few, converter)
    names = ask(sums, "select distinct tokenizer from record_tokens")["tokenizer"].to_list()
    assert [name.rpartition("@")[0] for name in names] == ["/".join(few.parts[-2:])]
