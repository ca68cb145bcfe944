"""The page Lineage: the chain of an id, with links, and the failures near it."""

import re
from html import unescape
from urllib.parse import urlencode

import pytest

from data.store.store import ask
from evals.similarity.similar_problems import near_record
from tests.support import harmless, hostile
from tests.support.lineage_rows import give_questions
from workbench.app.views.lineage import chain

PAGE = "lineage"


def test_the_page_of_an_empty_store_says_what_to_run(show, here):
    page = show(PAGE)
    assert "nothing to trace" in page.info[0].value


def chain_of(page) -> list[tuple[str, str, str | None]]:
    """What each line of the chain is, its name, and the link of it."""
    rows = re.findall(
        r'opacity: 0.75">(\w+)</span><span style="[^"]*">(?:<a href="([^"]*)"[^>]*>)?([^<]*)<',
        page.get("html")[0].proto.body,
    )
    return [(kind, unescape(name), unescape(link) or None) for kind, link, name in rows]


def test_the_page_shows_the_chain_of_what_the_address_names_with_links(show, traced):
    page = show(PAGE, id="p0:eval-sft")
    assert not page.exception
    converter = ask(traced, "select distinct converter from conversions")["converter"][0]
    assert chain_of(page) == [
        ("generation", "p0:eval-sft", "failures?generation=p0%3Aeval-sft"),
        ("problem", "p0", None),
        ("evaluation", "eval-sft", "failures?run=eval-sft"),
        ("checkpoint", "step 5", None),
        ("training", "sft-1", None),
        ("subset", "some@1", "curate?part=Versions&first=some%401"),
        ("subset", "all@1", "curate?part=Versions&first=all%401"),
        ("records", "4 of mine", "audit?source=mine"),
        ("conversion", converter, f"audit?{urlencode({'source': 'mine', 'converter': converter})}"),
        ("source", "mine", "audit?source=mine"),
    ]
    assert not page.dataframe


def test_the_page_shows_all_that_is_known_of_a_step_where_its_fold_is_open(show, traced):
    page = show(PAGE, id="p0:eval-sft", step4="true")
    rows = page.dataframe[0].value
    facts = dict(zip(rows["fact"], rows["value"], strict=True))
    assert facts["kind"] == "sft"
    assert facts["config steps"] == "5"
    assert facts["inputs subset"] == "some@1 0123"


def test_failures_near_a_record_are_shown_beside_the_base_rate(show, traced):
    give_questions(traced, ["How many apples has Ann?", "One and one?", "Which train?", "Why?"])
    record_id = ask(traced, "select record_id from examples order by 1")["record_id"][0]
    page = show(PAGE, id=record_id[:10], run="eval-sft")
    link = f"audit?source=mine&record={record_id}"
    assert chain_of(page)[0] == ("record", f"{record_id[:12]}…", link)
    near = near_record(traced, record_id, "eval-sft")
    shares = [one.value for one in page.metric]
    assert shares[:2] == [f"{near[which]['value']:.1%}" for which in ("near", "others")]
    assert shares[2].endswith(" pp")
    assert any("does not show that one caused the other" in text.value for text in page.text)


def test_the_page_says_what_cannot_be_traced(show, traced):
    page = show(PAGE, id="nothing")
    assert not page.exception
    assert "cannot be traced" in page.error[0].value


def test_hostile_texts_and_addresses_break_nothing(show, full):
    ids = ask(full, "select generation_id from generations order by 1 limit 2")["generation_id"]
    for record_id in [*ids, *(text[:500] for text in hostile.TEXTS.values())]:
        page = show(PAGE, id=record_id, run=record_id, defect=record_id, step0="true", step1="true")
        assert not page.exception
        hostile.check(page)


def test_failures_link_to_the_lineage_of_a_generation(show, traced):
    page = show("failures")
    assert not page.exception
    links = [element.proto.url for element in page.get("link_button")]
    assert links == ["lineage?id=p0%3Aeval-sft"]


@pytest.mark.parametrize("text", [*hostile.TEXTS.values(), '" onmouseover="alert(1)'])
def test_a_line_of_a_chain_holds_no_markup_but_its_own(text):
    def elements(text: str) -> set[tuple[str, ...]]:
        link = f"failures?{urlencode({'id': text})}"
        line = chain.Line(text, text, text, text, link, beside=True)
        return harmless.Elements(chain.drawn([line])).found

    assert elements(text) == elements("harmless")
