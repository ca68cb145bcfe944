"""Rulings: what people hold back or let through, with an author and a reason."""

import re

import pytest

from data.audit import quarantine, queries, rows as audit_rows
from data.conversion.convert_source import convert_source
from data.conversion.dialects.table import read_dialects
from data.sources.ingest import ingest
from data.store import annotations, runs, state_db
from data.store.store import ask, open_store
from evals.scores.problems import problems_of_split
from pipeline.job.inputs import examples_of
from tests.support.files import jsonl


def completion_of(thought: str, answer: str) -> str:
    return f"<think>{thought}</think>\n{answer}"


LOOP = "and we go on, "
ROWS = [
    {"prompt": "one?", "completion": completion_of("I add them up.", "1")},
    {"prompt": "two?", "completion": completion_of(LOOP * 60, "2")},  # quarantined, and yet whole
    {"prompt": "three?", "completion": "<think>I never stop"},  # nothing to release
]


@pytest.fixture
def here(store, tmp_path):
    ingest(store, "mine", jsonl(tmp_path / "rows.jsonl", ROWS), "completion")
    convert_source(store, "mine")
    return store


def id_of(store, prompt: str) -> str:
    rows = ask(store, "select record_id from records where contains(body, $p)", p=prompt)
    return rows["record_id"].item()


def prompts(store) -> list[str]:
    rows = examples_of(store, "mine", queries.newest(store, "mine"))
    return sorted(example.prompt for example in rows)


def funnel(store) -> dict[str, int]:
    return queries.outcomes(store, "mine", queries.newest(store, "mine"))


def test_what_a_person_quarantines_is_read_by_no_training_and_still_counted(here):
    assert prompts(here) == ["one?"]
    quarantine.quarantine(here, id_of(here, "one?"), "the sum is wrong", "ana")
    assert prompts(here) == []
    assert funnel(here) == {
        "read": 3, "converted": 1, "quarantined": 2,
        "held_back": 1, "released": 0, "other_split": 0, "to_train_on": 0,
    }  # fmt: skip


def test_a_release_takes_a_quarantine_back_and_the_history_stays(here):
    record = id_of(here, "one?")
    quarantine.quarantine(here, record, "the sum is wrong", "ana")
    quarantine.release(here, record, "it is right after all", "ben")
    assert prompts(here) == ["one?"]
    events = ask(
        here, "select ruling, reason, author from ruling_events where record_id = $r", r=record
    )
    assert events.rows() == [
        ("quarantined", "the sum is wrong", "ana"),
        ("released", "it is right after all", "ben"),
    ]
    assert audit_rows.row(here, record, queries.newest(here, "mine"))["ruled_by"] == "ben"


def test_a_row_that_the_converter_quarantined_becomes_an_example_verbatim(here):
    record = id_of(here, "two?")
    quarantine.release(here, record, "a real chorus", "ana")
    assert prompts(here) == ["one?", "two?"]
    assert funnel(here)["released"] == 1
    assert funnel(here)["to_train_on"] == 2
    row = audit_rows.row(here, record, queries.newest(here, "mine"))
    assert row["reason"] == "repetition loop"
    text = ROWS[1]["completion"]
    assert text[row["reasoning_start"] : row["reasoning_end"]] == row["reasoning"] != ""
    assert text[row["answer_start"] : row["answer_end"]] == row["answer"] == "2"


def test_released_twice_a_row_is_one_example_and_can_be_held_back_again(here):
    record = id_of(here, "two?")
    for _ in range(2):
        quarantine.release(here, record, "a real chorus", "ana")
    assert prompts(here) == ["one?", "two?"]
    quarantine.quarantine(here, record, "no", "ben")
    assert prompts(here) == ["one?"]
    assert funnel(here)["held_back"] == 0, "the converter had quarantined it itself"


def test_a_row_without_reasoning_and_answer_cannot_be_released(here):
    record = id_of(here, "three?")
    with pytest.raises(quarantine.NothingToRelease, match="thought never closed"):
        quarantine.release(here, record, "please", "ana")
    assert ask(here, "select * from ruling_events").is_empty()


def test_a_conversion_of_another_version_is_made_again_before_a_release(here, monkeypatch):
    monkeypatch.setattr("data.conversion.convert.VERSION", "99")
    with pytest.raises(quarantine.NothingToRelease, match="thinkbench convert mine"):
        quarantine.release(here, id_of(here, "two?"), "a real chorus", "ana")


def test_the_beginning_of_an_id_names_a_record_and_an_ambiguous_or_unknown_one_does_not(here):
    record = id_of(here, "one?")
    assert quarantine.find(here, record[:8])["record_id"] == record
    for wrong in ("", "ffff_none", record[:2]):
        with pytest.raises(quarantine.NoSuchRecord, match=r"expected one|more than one"):
            quarantine.find(here, wrong)


@pytest.mark.parametrize(("reason", "author"), [(" ", "ana"), ("wrong", "")])
def test_a_ruling_without_reason_or_author_is_refused(here, reason, author):
    with pytest.raises(annotations.BadEntry, match="is empty"):
        quarantine.quarantine(here, id_of(here, "one?"), reason, author)
    assert prompts(here) == ["one?"]


def test_a_problem_that_a_person_quarantined_is_asked_of_no_model(store, tmp_path):
    rows = [{"question": f"{n}?", "answer": f"so\n#### {n}"} for n in range(2)]
    ingest(store, "sums", jsonl(tmp_path / "test.jsonl", rows), "gsm8k")
    convert_source(store, "sums")
    split = ask(store, "select distinct split from problems")["split"].item()
    quarantine.quarantine(store, id_of(store, "0?"), "a wrong gold", "ana")
    assert problems_of_split(store, "sums", split).usable["question"].to_list() == ["1?"]


def test_a_store_made_before_there_were_rulings_is_read(tmp_path):
    folder = open_store(tmp_path / "old").folder
    with state_db.connect(folder) as connection:
        connection.execute("drop table ruling_events")
    assert ask(open_store(folder), "select * from rulings").is_empty()


OWN = """
[dialect.mine]
thought_open = ["<<go>>"]
thought_close = ["<<stop>>"]
rest_is_answer = true
"""


def test_a_row_of_a_persons_own_dialect_is_released_by_that_dialect(store, tmp_path):
    (tmp_path / "own.toml").write_text(OWN)
    text = f"<<go>>{LOOP * 60}<<stop>>2"
    ingest(store, "mine", jsonl(tmp_path / "rows.jsonl", [row_of(text)]), "completion")
    convert_source(store, "mine", table=read_dialects(tmp_path / "own.toml"))
    quarantine.release(store, id_of(store, "q?"), "a real chorus", "ana")
    assert funnel(store)["released"] == 1
    [example] = examples_of(store, "mine", queries.newest(store, "mine"))
    assert (example.reasoning, example.answer) == ((LOOP * 60).strip(), "2")


def row_of(text: str) -> dict[str, str]:
    return {"prompt": "q?", "completion": text}


def test_a_release_holds_for_later_converters_too(here, monkeypatch):
    quarantine.release(here, id_of(here, "two?"), "a real chorus", "ana")
    monkeypatch.setattr("data.conversion.convert.VERSION", "99")
    counts = convert_source(here, "mine")
    assert (counts["converted"], counts["quarantined"]) == (1, 2), "the converter says what it said"
    assert queries.newest(here, "mine") == "99"
    assert prompts(here) == ["one?", "two?"]
    assert funnel(here)["released"] == 1


def prompts_of_problems(store) -> list[str]:
    split = ask(store, "select distinct split from records")["split"].item()
    return sorted(problems_of_split(store, "sums", split).usable["question"])


def test_a_released_row_of_gsm8ks_shape_is_asked_as_a_problem(store, tmp_path):
    loop = f"{LOOP * 60}\n#### 2"
    rows = [{"question": "1?", "answer": "so\n#### 1"}, {"question": "2?", "answer": loop}]
    ingest(store, "sums", jsonl(tmp_path / "test.jsonl", rows), "gsm8k")
    convert_source(store, "sums")
    assert prompts_of_problems(store) == ["1?"]
    quarantine.release(store, id_of(store, "2?"), "a real chorus", "ana")
    assert prompts_of_problems(store) == ["1?", "2?"]


def test_a_problem_whose_record_a_newer_converter_quarantines_is_asked_no_more(
    store, tmp_path, monkeypatch
):
    rows = [{"question": f"{n}?", "answer": f"so {n}\n#### {n}"} for n in range(3)]
    ingest(store, "sums", jsonl(tmp_path / "test.jsonl", rows), "gsm8k")
    convert_source(store, "sums")
    assert prompts_of_problems(store) == ["0?", "1?", "2?"]
    monkeypatch.setattr("data.conversion.convert.VERSION", "99")
    monkeypatch.setattr("data.conversion.error_texts.NOTHING", re.compile("so 1"))
    convert_source(store, "sums")
    assert prompts_of_problems(store) == ["0?", "2?"]
    quarantine.release(store, id_of(store, "1?"), "it is fine", "ana")
    assert prompts_of_problems(store) == ["0?", "1?", "2?"]


def test_test_rows_are_no_training_examples_also_where_their_ingestion_was_deleted(here, tmp_path):
    rows = [{"prompt": f"test {n}?", "completion": "<think>so</think>\n1"} for n in range(3)]
    path = jsonl(tmp_path / "held.jsonl", rows)
    ingestion = ingest(here, "mine", path, "completion", split="test")["run"]
    convert_source(here, "mine")
    for deleted in (False, True):
        if deleted:
            runs.delete(here, ingestion)
        assert prompts(here) == ["one?"]
        counts = funnel(here)
        others = 0 if deleted else 3
        assert counts["converted"] - 1 == counts["other_split"] == others
        assert counts["to_train_on"] == 1
    quarantine.quarantine(here, id_of(here, "one?"), "wrong", "ana")
    assert [funnel(here)[name] for name in ("held_back", "other_split", "to_train_on")] == [1, 0, 0]
