"""What a stage needs is ingested and converted once; what was ingested is used as it is."""

from dataclasses import replace

import pytest

from data.errors import UserError
from data.progress import no_progress
from data.sources.ingest import ingest
from data.store import runs
from data.store.store import ask
from pipeline.config import DataConfig
from pipeline.job.prepare import prepared
from tests.support.files import jsonl

PROBLEMS = [{"question": f"Ann has {n} pens?", "answer": f"{n}\n#### {n}"} for n in range(4)]
TURNS = [{"from": "user", "value": "2?"}, {"from": "assistant", "value": "<think>so</think>2"}]
RECORDS = [{"system": "", "conversations": TURNS}]


@pytest.fixture
def folder(tmp_path):
    """Files of a person's own."""
    jsonl(tmp_path / "test.jsonl", PROBLEMS)
    jsonl(tmp_path / "records.jsonl", RECORDS)
    return tmp_path


def prepare(store, *needs: str, **knobs):
    """needs: records, problems"""
    return prepared(
        store,
        replace(DataConfig(), **knobs),
        lambda name: no_progress,
        records="records" in needs,
        problems="problems" in needs,
    )


def sources(store) -> dict[str, int]:
    query = "select source, count(*) from records group by source order by source"
    return dict(ask(store, query).iter_rows())


@pytest.mark.parametrize("source", ["gsm8k", "samples-gsm8k"])  # of a hub, and bundled
def test_problems_that_were_ingested_from_a_file_are_not_read_again(store, folder, source):
    ingest(store, source, folder / "test.jsonl")
    (folder / "test.jsonl").unlink()
    counts = prepare(store, "problems", problems=source)
    assert (counts[source]["ingest"], counts[source]["convert"]["converted"]) == (None, 4)
    assert sources(store) == {source: 4}


@pytest.mark.parametrize("source", ["stratos", "samples-stratos"])
def test_records_that_were_ingested_from_a_file_are_not_read_again(store, folder, source):
    ingest(store, source, folder / "records.jsonl")
    (folder / "records.jsonl").unlink()
    assert prepare(store, "records", records=source)[source]["ingest"] is None
    assert sources(store) == {source: 1}


def test_a_source_that_the_store_lacks_is_ingested_once(store):
    first = prepare(store, "problems")["samples-gsm8k"]["ingest"]
    assert first["new"] == 3_600
    assert prepare(store, "problems")["samples-gsm8k"]["ingest"] is None
    assert sources(store) == {"samples-gsm8k": 3_600}
    interrupted(store, "samples-gsm8k", None)  # it can be read again, so it is completed
    assert prepare(store, "problems")["samples-gsm8k"]["ingest"]["in_store"] == 3_600


@pytest.mark.parametrize(
    ("needs", "subset", "names"),
    [
        (("problems",), "", {"my-problems"}),  # grpo, eval, export, ab
        (("records",), "", {"my-records"}),  # sft
        (("records",), "short@1", set()),
        (("records", "problems"), "short@1", {"my-problems"}),
        (("records", "problems"), "", {"my-records", "my-problems"}),  # run
    ],
)
def test_only_what_is_needed_is_ingested_and_converted(store, folder, needs, subset, names):
    knobs = {"records": "my-records", "records_from": str(folder / "records.jsonl"),
             "problems": "my-problems", "problems_from": str(folder / "test.jsonl")}  # fmt: skip
    counts = prepare(store, *needs, subset=subset, **knobs)
    assert set(counts) == set(sources(store)) == names


def test_the_file_that_a_preset_names_is_read_once(store, folder):
    knobs = {"problems": "mine", "problems_from": str(folder / "test.jsonl")}
    assert prepare(store, "problems", **knobs)["mine"]["ingest"]["new"] == 4
    assert prepare(store, "problems", **knobs)["mine"]["ingest"] is None
    (folder / "test.jsonl").unlink()
    assert prepare(store, "problems", **knobs)["mine"]["ingest"] is None
    assert prepare(store, "problems", problems="mine")["mine"]["ingest"] is None


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("test.jsonl", [*PROBLEMS, {"question": "New?", "answer": "9\n#### 9"}]),  # added
        ("test.jsonl", PROBLEMS[:2]),  # removed
        ("test.jsonl", [*PROBLEMS[:3], {"question": "Edited?", "answer": "9\n#### 9"}]),
        ("train.jsonl", PROBLEMS),  # of another split
        ("other.jsonl", PROBLEMS[:1]),
    ],
)
def test_a_file_with_other_rows_than_the_store_is_refused_and_not_mixed(store, folder, name, rows):
    ingest(store, "mine", folder / "test.jsonl", "gsm8k")
    path = jsonl(folder / name, rows)
    with pytest.raises(UserError, match="rows of two places are not mixed"):
        prepare(store, "problems", problems="mine", problems_from=str(path))
    assert sources(store) == {"mine": 4}


def test_a_file_that_was_added_by_ingest_is_part_of_the_source(store, folder):
    ingest(store, "mine", folder / "test.jsonl", "gsm8k")
    more = jsonl(folder / "more.jsonl", [{"question": "New?", "answer": "9\n#### 9"}])
    ingest(store, "mine", more, "gsm8k")
    assert prepare(store, "problems", problems="mine", problems_from=str(more))
    assert sources(store) == {"mine": 5}


def test_a_source_or_a_file_that_is_not_there_says_what_to_do(store, folder):
    with pytest.raises(UserError, match="thinkbench ingest mine --from PATH --shape gsm8k"):
        prepare(store, "problems", problems="mine")
    with pytest.raises(UserError, match=r"--set data\.records=SOURCE"):
        prepare(store, "records", records="mine")
    ingest(store, "mine", folder / "test.jsonl", "gsm8k")
    with pytest.raises(UserError, match="does not exist"):
        prepare(store, "problems", problems="mine", problems_from=str(folder / "gone.jsonl"))


def interrupted(store, source: str, location: str | None) -> None:
    """A newer ingestion that has no end."""
    config = {"source": source, "from": location}
    runs.begin(store, "ingest", run=f"ingest-{source}-0", config=config, seed=None, inputs={})


def test_a_part_of_a_file_is_not_used_before_its_ingestion_ends(store, folder):
    ingest(store, "mine", folder / "test.jsonl", "gsm8k")
    interrupted(store, "mine", "more.jsonl")
    with pytest.raises(UserError, match=r"not ingested to its end.*ingest mine --from more.jsonl"):
        prepare(store, "problems", problems="mine")
