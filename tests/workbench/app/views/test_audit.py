"""The audit page: every count of the audit, one row with its marks, rulings, token budgets."""

import json

import polars as pl
import pytest

from data.audit import quarantine, queries, rows as audit_rows
from data.conversion.convert import RULES
from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import runs
from data.store.store import add, ask
from evals.audit import token_budget
from pipeline.evaluate.token_counts import count_tokens
from pipeline.job.inputs import examples_of
from pipeline.model import TINY
from tests.data.audit import test_queries
from tests.data.audit.test_quarantine import ROWS
from tests.support.files import jsonl
from workbench.app import state

PAGE = "audit"


@pytest.fixture
def converted(here, tmp_path):
    ingest(here, "mine", jsonl(tmp_path / "rows.jsonl", ROWS), "completion")
    convert_source(here, "mine")
    return here


def drawn(page) -> list[str]:
    """The HTML of the page."""
    return [element.proto.body for element in page.get("html")]


def link(page) -> dict[str, str | list[str]]:
    """The address as the browser has it: with the defaults of the page."""
    defaults = page.session_state["address defaults"]
    return {
        name: values[0] if len(values) == 1 else values for name, values in defaults.items()
    } | {**page.query_params}


def position(page) -> tuple[int, int]:
    """Which row is shown, from 1, and of how many."""
    [component] = page.get("bidi_component")
    data = json.loads(component.proto.json)
    return data["at"], data["of"]


def press(page, label: str):
    [button] = [button for button in page.button if button.label == label]
    assert not button.disabled
    button.click().run()
    assert not page.exception
    return page


def metrics(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_the_audit_of_an_empty_store_says_what_to_run(show, here):
    page = show(PAGE)
    assert "Nothing is converted" in page.info[0].value
    assert " convert samples-stratos" in page.code[0].value


def test_the_audit_counts_every_row(show, here):
    test_queries.convert(here, "1", test_queries.ROWS)
    page = show(PAGE)
    counts = queries.outcomes(here, "s", "1")
    assert list(metrics(page).values()) == [str(rows) for rows in counts.values()]
    reasons = next(f.value for f in page.dataframe if "reason" in f.value and "share" in f.value)
    assert reasons["reason"].to_list() == ["no answer", "no thinking"]


def test_a_row_is_shown_as_it_is_and_none_of_it_becomes_markup(show, here):
    test_queries.convert(here, "1", test_queries.ROWS)
    shown = drawn(show(PAGE))
    assert any("&lt;script&gt;alert(1)&lt;/script&gt;" in body for body in shown)
    assert not [body for body in shown if "<script>" in body or "<b>" in body]


def test_reasoning_answer_and_defects_are_marked_where_they_stand(show, converted):
    page = show(PAGE)
    assert any('title="reasoning">I add them up.</mark>' in body for body in drawn(page))
    assert any('title="answer">1</mark>' in body for body in drawn(page))
    page.selectbox(key="pick defect").set_value("thought never closed").run()
    [marked] = [body for body in drawn(page) if "<mark" in body]
    assert 'title="thought never closed">&lt;think&gt;I never stop</mark>' in marked
    assert page.warning[0].value == "Quarantined"


def test_next_and_previous_go_through_the_rows_of_a_defect_and_stop_at_its_ends(show, here):
    test_queries.convert(here, "1", test_queries.ROWS)
    page = show(PAGE)
    page.selectbox(key="pick defect").set_value("no answer").run()
    rows = ask(
        here,
        "select record_id from conversions"
        " where list_contains([d.phrase for d in defects], 'no answer') order by record_id",
    )["record_id"].to_list()
    assert [b.disabled for b in page.button if b.label in ("Previous row", "Next row")] == [
        True,
        False,
    ]
    press(page, "Next row")
    assert page.query_params["record"] == rows[1]
    assert [b.disabled for b in page.button if b.label in ("Previous row", "Next row")] == [
        False,
        True,
    ]
    press(page, "Previous row")
    assert page.query_params["record"] == rows[0]


def test_a_ruling_on_the_page_changes_what_is_trained_on_and_can_be_taken_back(show, converted):
    page = show(PAGE)
    assert metrics(page)["Training examples"] == "1"
    page.text_input[0].set_value("the sum is wrong")
    press(page, "Quarantine")
    assert metrics(page)["Training examples"] == "0"
    assert any("the sum is wrong" in text.value for text in page.text)
    page.text_input[0].set_value("it is right")
    press(page, "Release")
    assert metrics(page)["Training examples"] == "1"


def test_a_ruling_is_said_under_the_name_of_who_is_signed_in_and_no_other(
    show, converted, monkeypatch
):
    monkeypatch.setattr(state, "author", lambda: "ana")
    page = show(PAGE)
    assert [box.label for box in page.text_input] == ["Reason"]
    page.text_input[0].set_value("the sum is wrong")
    press(page, "Quarantine")
    assert ask(converted, "select author from rulings")["author"].to_list() == ["ana"]


def test_a_ruling_without_a_reason_is_refused_and_changes_nothing(show, converted):
    page = press(show(PAGE), "Quarantine")
    assert any("reason is empty" in text.value for text in page.text)
    assert metrics(page)["Training examples"] == "1"


def test_what_training_sees_says_how_to_count_and_then_names_the_rows_beyond_a_budget(
    show, converted
):
    page = show(PAGE, view="What training sees")
    assert any("No tokens are counted" in info.value for info in page.info)
    query = "select record_id from records where contains(body, 'two?')"
    quarantine.release(converted, ask(converted, query)["record_id"].item(), "a chorus", "ana")
    version = queries.newest(converted, "mine")
    examples = examples_of(converted, "mine", version)
    count_tokens(converted, "mine", version, examples, "tiny", TINY, lambda *shown: None)
    page = show(PAGE, view="What training sees")
    assert any("exact in 2 of 2" in success.value for success in page.success)
    page.number_input(key="pick budget").set_value(100).run()
    [beyond] = [frame.value for frame in page.dataframe if "answer_end" in frame.value]
    assert len(beyond) == 1
    assert beyond["answer_end"].item() > 100


def test_the_address_restores_converter_tokenizer_and_budget(show, converted):
    convert_source(converted, "mine", frozenset(RULES))
    newest, older = queries.conversions(converted)["converter"].to_list()
    examples = examples_of(converted, "mine", older)
    count_tokens(converted, "mine", older, examples, "tiny", TINY, lambda *shown: None)
    [tokenizer] = token_budget.tokenizers(converted, "mine", older)
    count = pl.lit("zebra", dtype=pl.String).alias("tokenizer")
    runs.begin(converted, "tokens", run="tokens-2", config={}, seed=None, inputs={})
    tokens = ask(converted, "select * exclude (run) from tokens").with_columns(count)
    add(converted, "tokens", tokens, run="tokens-2")
    runs.end(converted, "tokens-2", "done", {})
    assert token_budget.tokenizers(converted, "mine", older) == ["zebra", tokenizer]
    page = show(PAGE, view="What training sees", converter=older, tokenizer=tokenizer, budget="7")
    boxes = {box.label: box.value for box in page.selectbox}
    assert (boxes["Converter"], boxes["Tokenizer"]) == (older, tokenizer)
    assert page.number_input(key="pick budget").value == 7
    box = next(box for box in page.selectbox if box.label == "Converter")
    box.set_value(newest).run()
    assert link(page)["converter"] == newest


def test_a_link_goes_on_showing_what_it_showed_when_a_newer_conversion_is_there(show, converted):
    shown = link(show(PAGE))
    [old] = queries.conversions(converted)["converter"]
    first = audit_rows.rows_with(converted, "mine", old, None, 1, 1)["record_id"].item()
    assert shown == {"source": "mine", "converter": old, "record": first}
    convert_source(converted, "mine", frozenset(RULES))
    page = show(PAGE, **shown)
    assert [box.value for box in page.selectbox][:2] == ["mine", old]


def test_another_source_is_shown_as_its_newest_conversion_has_it(show, converted, tmp_path):
    [both] = queries.conversions(converted)["converter"]
    ingest(converted, "other", jsonl(tmp_path / "more.jsonl", ROWS[:1]), "completion")
    convert_source(converted, "other")
    convert_source(converted, "other", frozenset(RULES))
    page = show(PAGE, source="mine", converter=both)
    page.selectbox(key="pick source").set_value("other").run()
    newest = queries.newest(converted, "other")
    assert newest != both
    assert link(page)["converter"] == newest


def test_a_long_text_keeps_its_ends_and_its_marks(show, here, tmp_path):
    thought = " ".join(map(str, range(60_000)))
    completion = f"<think>{thought}</think>\n7 \u202e7"
    rows = [{"prompt": "x" * 1_000_000, "completion": completion}]
    ingest(here, "long", jsonl(tmp_path / "rows.jsonl", rows), "completion")
    convert_source(here, "long", frozenset())
    bodies = drawn(show(PAGE))
    assert max(map(len, bodies)) < 100_000
    assert any("940,000 characters …" in body for body in bodies)
    assert any('title="answer">7 ⟨U+202E⟩7</mark>' in body for body in bodies)
    assert not [body for body in bodies if "\u202e" in body]


def test_only_the_tab_that_the_address_names_is_drawn(show, converted):
    assert "Defects" in [heading.value for heading in show(PAGE).header]
    page = show(PAGE, view="Defects by source")
    assert "Defects" not in [heading.value for heading in page.header]
    [frame] = page.dataframe
    assert "source" in frame.value


def test_the_counts_are_drawn_as_bars_when_the_address_opens_them(show, converted):
    charts = [len(show(PAGE, **address).get("vega_lite_chart"))
              for address in ({}, {"bars": "true"})]  # fmt: skip
    assert charts == [0, 1]


def test_the_list_of_rows_is_drawn_when_the_address_opens_it(show, converted):
    drawn = [["record_id" in frame.value for frame in show(PAGE, **address).dataframe]
             for address in ({}, {"list": "true"})]  # fmt: skip
    assert [sum(kind) for kind in drawn] == [0, 1]
