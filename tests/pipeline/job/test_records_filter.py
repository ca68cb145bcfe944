"""`data.records_filter`: which records SFT trains on, chosen by the language of subsets."""

import json

import pytest

from data.audit import queries
from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.progress import no_progress
from data.sources.ingest import ingest
from data.store import ask
from data.subsets import Recipe
from evals.curation import choose
from pipeline.batches import tokenize_examples
from pipeline.config import BadConfig
from pipeline.job import Job
from pipeline.job.training import sft_stage
from pipeline.model import Tokenizer
from pipeline.presets.load import load_preset
from tests.support import few_rows
from workbench.cli.commands.training.options import chosen_preset

PROMPTS = ("Ann has 3 pens?", "Write an executable Python function.", "Bob has 4 cups?")
REASONING = ("so", "def f", "so " * 60)
CODE = 'not prompt contains "executable Python function"'


@pytest.fixture
def sums(store, tmp_path):
    """The store with three records of the source `sums`: short, code, and long."""
    rows = [
        {"question": prompt, "answer": f"{reasoning}\n#### {n}"}
        for n, (prompt, reasoning) in enumerate(zip(PROMPTS, REASONING, strict=True))
    ]
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(store, "sums", path, "gsm8k")
    convert_source(store, "sums")
    return store


def job_with(store, **knobs) -> Job:
    preset = load_preset("tiny").with_knobs("data", records="sums", **knobs)
    return Job(store, preset, lambda name: no_progress)


def chosen(store, few, **knobs):
    converter = queries.newest(store, "sums")
    return sft_stage.chosen_examples(job_with(store, **knobs), few, converter)


def test_sft_trains_on_the_records_that_match_and_says_how_many_do_not(sums, few):
    where = f"completion_tokens <= 60 and {CODE}"
    some = chosen(sums, few, records_filter=where)
    assert [example.prompt for example in some.examples] == [PROMPTS[0]]
    assert some.summary["records_filter"] == some.inputs["records_filter"] == where
    assert some.summary["records_left_out"] == {"outside the filter": 2}
    whole = chosen(sums, few)
    assert len(whole.examples) == 3
    assert "records_filter" not in whole.inputs | whole.summary


def test_completion_tokens_are_those_that_the_loss_counts(sums, few):
    whole = chosen(sums, few, records_filter="completion_tokens > 0")
    rows, _ = tokenize_examples(whole.examples, Tokenizer(few), 10_000)
    for example, row in zip(whole.examples, rows, strict=True):
        length = int(row.completion.sum())
        some = chosen(sums, few, records_filter=f"completion_tokens = {length}")
        assert example in some.examples
    counted = ask(sums, "select distinct tokenizer from tokens")["tokenizer"].to_list()
    assert [name.rpartition("@")[0] for name in counted] == ["/".join(few.parts[-2:])]


def test_the_filter_of_the_presets_leaves_what_counting_by_hand_leaves(store, few, tmp_path):
    ingest(store, "sums", few_rows.written(tmp_path / "few").records, "stratos")
    convert_source(store, "sums")
    whole, tokenizer = chosen(store, few).examples, Tokenizer(few)
    rows, _ = tokenize_examples(whole, tokenizer, 10_000)
    lengths = [int(row.completion.sum()) for row in rows]
    limit = sorted(lengths)[len(lengths) // 2]
    where = load_preset("v6e-1").data.records_filter.replace("1024", str(limit))
    some = chosen(store, few, records_filter=where)
    assert some.examples == [
        example
        for example, length in zip(whole, lengths, strict=True)
        if length <= limit
        and "executable python function" not in example.prompt.casefold()
        and "```" not in example.answer
    ]
    left_out = some.summary["records_left_out"]
    records = ask(store, "select count(*) as n from source_records")["n"].item()
    assert 0 < left_out["outside the filter"] == len(whole) - len(some.examples)
    assert len(some.examples) + sum(left_out.values()) == records


def test_a_filter_that_nothing_matches_is_refused_with_what_each_step_removed(sums, few):
    with pytest.raises(UserError, match=r"no record of sums .*outside the filter: 3.*Widen"):
        chosen(sums, few, records_filter="row > 99")


def test_a_filter_that_cannot_be_read_is_refused_with_the_preset():
    with pytest.raises(BadConfig, match=r"data.records_filter, at character 1: no field 'tokns'"):
        load_preset("tiny").with_knobs("data", records_filter="tokns < 5")


def test_a_subset_and_a_filter_are_refused_together():
    preset = load_preset("tiny").with_knobs("data", records_filter=CODE)
    with pytest.raises(BadConfig, match="leave one of them out"):
        preset.with_knobs("data", subset="mine")


@pytest.fixture
def filtered(sums, tmp_path) -> str:
    """A preset with a filter; the store has the subset `short`."""
    choose.save(sums, "short", Recipe(where="row = 0"), "Ann")
    path = tmp_path / "mine.toml"
    path.write_text(f"[data]\nrecords = 'sums'\nrecords_filter = '{CODE}'\n")
    return str(path)


@pytest.mark.parametrize(
    ("assignments", "subset"), [((), "short"), (("data.subset=short",), None)], ids=["flag", "set"]
)
def test_a_subset_takes_the_place_of_the_presets_filter_and_the_command_says_so(
    sums, filtered, assignments, subset, capsys
):
    preset = chosen_preset(sums.folder, filtered, assignments, None, None, subset=subset)
    assert (preset.data.subset, preset.data.records_filter) == ("short@1", "")
    assert "the preset's filter of records is not applied" in capsys.readouterr().err


def test_a_filter_that_is_set_beside_a_subset_is_refused(sums, filtered):
    given = (f"data.records_filter={CODE}",)
    with pytest.raises(BadConfig, match="leave one of them out"):
        chosen_preset(sums.folder, filtered, given, None, None, subset="short")
