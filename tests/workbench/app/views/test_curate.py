"""The Curate page: a recipe in the address, its steps, saving, versions; and texts stay texts."""

import json

import pytest

from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from data.store import annotations
from data.store.store import ask, open_store
from data.subsets.recipe import Recipe
from data.subsets.versions import subsets
from evals.curation import choose
from tests.data.subsets.test_subsets import converted as converted, store as store
from tests.support import hostile
from tests.support.small_sources import RIGHT, problem_ids, rolled_out
from tests.workbench.app.views.test_audit import press

PAGE = "curate"
SHORT = "prompt_chars < 10"


def box(page, label: str):
    boxes = [*page.text_area, *page.text_input, *page.selectbox, *page.number_input]
    return next(one for one in boxes if one.label == label)


def rows_of(page, kind: str) -> None:
    next(one for one in page.button_group if one.label == "Rows").set_value(kind).run()


def funnel(page) -> dict[str, int]:
    frame = next(f.value for f in page.dataframe if "removed" in f.value)
    return dict(zip(frame["step"], frame["removed"], strict=True))


def titles(page) -> list[str]:
    return [one.value for one in page.header]


def test_an_empty_store_says_what_to_run(show, here):
    page = show(PAGE)
    assert " convert samples-stratos" in page.code[0].value


def test_an_address_restores_the_recipe_and_its_steps(show, store):
    page = show(PAGE, where=SHORT, source="mine", duplicates="exact")
    assert not page.exception
    assert box(page, "Filter").value == SHORT
    assert funnel(page)["after filter"] == 4
    assert titles(page) == ["2 rows"]


def test_a_filter_that_cannot_be_read_is_pointed_at(show, store):
    page = show(PAGE, where="prompt_chars < many")
    assert not page.exception
    line, pointer, words = page.code[0].value.split("\n")
    assert line[pointer.index("^") :] == "many"
    assert "expected a number" in words


def test_a_common_filter_narrows_what_is_typed(show, store):
    page = show(PAGE, where=SHORT)
    press(page, "single answer")
    assert page.query_params["where"] == f'({SHORT}) and defect != "two answers"'


def test_each_kind_of_rows_keeps_a_filter_of_its_own(show, store):
    page = show(PAGE, where=SHORT, page="2")
    rows_of(page, "problems")
    assert not page.exception
    assert not page.error
    assert box(page, "Filter").value == ""
    box(page, "Filter").set_value("question is known").run()
    assert funnel(page)["after filter"] == 0
    rows_of(page, "records")
    assert not page.error
    assert box(page, "Filter").value == SHORT
    assert page.query_params["aside"] == "question is known"
    assert "page" not in page.query_params


def test_a_choice_is_saved_under_a_name_with_who_said_so(show, store):
    page = show(PAGE, where=SHORT, source="mine")
    box(page, "Name of the subset").set_value("short")
    press(page, "Save")
    assert not page.exception
    [subset] = subsets(store)
    assert (subset.label, subset.n, subset.recipe.where) == ("short@1", 2, SHORT)
    assert subset.author


def test_saving_the_same_version_again_says_so(show, store):
    page = show(PAGE, where=SHORT, source="mine")
    for message in ("Saved.", "This version exists already, with the same rows."):
        box(page, "Name of the subset").set_value("short")
        press(page, "Save")
        assert message in [one.value for one in (*page.success, *page.info)]
    assert [one.label for one in subsets(store)] == ["short@1"]


def test_what_the_address_names_and_is_not_there_is_said(show, store):
    page = show(PAGE, parent="gone@1", source="nobody")
    assert len(page.warning) == 2
    assert {"gone@1", "nobody"} <= {one.value for one in page.text}
    assert not show(PAGE, source="mine").warning


def test_a_name_that_cannot_be_is_said_and_nothing_is_kept(show, store):
    page = show(PAGE, where=SHORT)
    box(page, "Name of the subset").set_value("a@b")
    press(page, "Save")
    assert "could not be saved" in page.error[0].value
    assert subsets(store) == []


def test_two_versions_are_shown_with_what_differs_and_where_they_come_from(show, store):
    choose.save(store, "some", Recipe(sources=("mine",)), "Ann")
    choose.save(store, "some", Recipe(sources=("mine",), where=SHORT, parent="some@1"), "Ben")
    page = show(PAGE, part="Versions", first="some@2", second="some@1")
    assert not page.exception
    assert [metric.value for metric in page.metric] == ["2", "0", "4"]
    lineage = [text.value for text in page.text if " rows, " in text.value]
    assert lineage[0].startswith("some@2: 2 rows")
    assert lineage[1].strip().startswith("some@1: 6 rows")
    page = show(PAGE, part="Versions", first="some@2", check="true")
    assert "still chooses" in page.success[0].value


def test_records_are_made_of_own_answers(show, store):
    right = "<reasoning>so</reasoning>\n<answer>1</answer>"
    rolled_out(store, {problem_ids(store)[0]: [right, "no"]})
    page = show(PAGE, part="Own answers")
    box(page, "Name of the source").set_value("own")
    press(page, "Create training data")
    assert not page.exception
    assert page.success[0].value == "1 new records; the source now has 1 examples."
    assert ask(open_store(store.folder), "select 1 from records where source = 'own'").height == 1


@pytest.mark.parametrize("name", ["mine", "samples-gsm8k"])
def test_own_answers_are_not_mixed_with_rows_of_another_source(show, store, name):
    right = "<reasoning>so</reasoning>\n<answer>1</answer>"
    rolled_out(store, {problem_ids(store)[0]: [right, "no"]})
    page = show(PAGE, part="Own answers")
    box(page, "Name of the source").set_value(name)
    press(page, "Create training data")
    assert "No records were made." in [one.value for one in page.error]
    assert any("has rows from elsewhere" in one.value for one in page.text)


def test_who_may_only_read_is_offered_no_saving(show, store, monkeypatch):
    monkeypatch.setenv("THINKBENCH_READ_ONLY", "1")
    page = show(PAGE)
    assert not page.exception
    assert not [one for one in page.text_input if one.label == "Name of the subset"]
    assert "Read-only" not in "".join(one.value for one in page.info)


def test_hostile_texts_break_nothing(show, store):
    texts = [text[:2_000] for text in hostile.TEXTS.values()]
    rows = [
        {"prompt": f"{text} and what?", "completion": RIGHT.format(text, "7")} for text in texts
    ]
    file = store.folder.parent / "hostile.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(store, "hostile", file, "completion")
    convert_source(store, "hostile", frozenset())
    records = ask(store, "select record_id from records where source = 'hostile'")["record_id"]
    rolled_out(store, {problem_ids(store)[0]: texts})
    for text in texts:
        annotations.tag_all(store, "record", records.to_list(), text[:80], "Ann")
        choose.save(store, text.replace("@", " "), Recipe(sources=("hostile",)), text)
    newest = subsets(store)[0].label
    for part in ("Choose", "Versions", "Own answers"):
        page = show(PAGE, part=part, source="hostile", first=newest, second=subsets(store)[1].label)
        hostile.check(page)


def test_an_address_that_anyone_wrote_does_no_harm(show, store):
    for text in hostile.TEXTS.values():
        value = text[:3_000]
        page = show(PAGE, where=value, of=value, source=value, duplicates=value, sample=value)
        assert not page.exception
        hostile.check(page)
