"""Lineage: from a generation back to its rows, from a record forward to failures near it."""

import json
import re
from html import unescape
from urllib.parse import urlencode

import pytest

from data import lineage
from data.audit.quarantine import find
from data.conversion.convert_source import convert_source
from data.errors import UserError
from data.lineage import NoSuchGeneration, back, of_record
from data.sources.ingest import ingest
from data.store import annotations, runs
from data.store.store import Store, add, ask
from evals.similar_problems import most_similar, near_defect, near_record, sentence
from tests.support import harmless, hostile
from tests.support.store_rows import rows_of, scored
from tests.workbench.app.test_main import evaluate
from workbench.app.views.lineage import chain

PAGE = "lineage"
RIGHT = "<reasoning>so it is</reasoning>\n<answer>7</answer>"


@pytest.fixture
def traced(here, tmp_path) -> Store:
    """Records, a cold start from a subset of them, and its evaluation on four problems."""
    rows = [{"prompt": f"How many apples has Ann, {n}?", "completion": RIGHT} for n in range(3)]
    rows.append({"prompt": "How many pears has Bob?", "completion": "<reasoning>and then"})
    (tmp_path / "mine.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    ingest(here, "mine", tmp_path / "mine.jsonl", "completion")
    convert_source(here, "mine")
    ids = ask(here, "select record_id from examples order by 1")["record_id"].to_list()
    recipe = '{"of": "records", "sources": ["mine"]}'
    annotations.save_subset(here, "all", recipe, ids, author="Ann")
    annotations.save_subset(here, "some", recipe, ids[:2], parent="all@1", author="Ann")
    inputs = {"subset": "some@1 0123", "model": "4567"}
    runs.begin(here, "sft", run="sft-1", stage="sft", config={"steps": 5}, seed=3, inputs=inputs)
    checkpoint = rows_of(
        "checkpoints", checkpoint=["sft-1/5"], step=[5], path=["here"], best=[True]
    )
    add(here, "checkpoints", checkpoint, run="sft-1", stage="sft")
    runs.end(here, "sft-1", "done", {})
    evaluate(here, "eval-sft", "sft", ["7", "1", "1", "1"], parent="sft-1")
    return here


def kinds(steps) -> list[str]:
    return [step.kind for step in steps]


def test_a_generation_goes_back_to_its_checkpoint_subset_conversion_and_source(traced):
    steps = back(traced, "p0:eval-sft")
    assert kinds(steps) == [
        *("generation", "problem", "evaluation", "training"),
        *("subset", "subset", "conversion", "source"),
    ]
    training = steps[3]
    assert training.title == "sft-1"
    assert training.facts["checkpoint"]["step"] == 5
    assert [step.title for step in steps[4:6]] == ["some@1", "all@1"]
    assert steps[6].facts["records"] == 4
    assert steps[6].facts["converted"] == 3
    assert steps[7].facts["origin"] == ["mine.jsonl"]
    assert steps[7].facts["revision"] == lineage.UNKNOWN


def test_what_a_run_does_not_say_is_unknown_and_not_left_out(here):
    evaluate(here, "eval-lost", "grpo", ["7"], parent="grpo-gone")
    steps = back(here, "p0:eval-lost")
    assert steps[-1].title == "grpo-gone"
    assert steps[-1].facts == {"state": lineage.UNKNOWN}


def test_a_run_that_is_its_own_parent_ends(here):
    runs.begin(here, "sft", run="loop", config={}, seed=0, inputs={}, parent="loop")
    assert [step.title for step in lineage.of_run(here, "loop")] == ["loop", lineage.UNKNOWN]


def test_a_conversion_and_a_source_are_of_their_runs_in_the_order_of_time(here, tmp_path):
    for number in range(4):
        row = {"prompt": f"How many, {number}?", "completion": RIGHT}
        (tmp_path / f"{number}.jsonl").write_text(json.dumps(row))
        ingest(here, "mine", tmp_path / f"{number}.jsonl", "completion")
        convert_source(here, "mine")
    in_order = {
        kind: ask(here, "select run from runs where kind = $k order by started_at", k=kind)["run"]
        for kind in ("ingest", "convert")
    }
    conversion, source = lineage.of_source(here, "mine")
    last = runs.state(here, in_order["convert"][-1])
    read = runs.state(here, in_order["ingest"][-1])
    assert last is not None
    assert read is not None
    assert (conversion.facts["run"], conversion.facts["records"]) == (last["run"], 4)
    assert conversion.facts["at"] == f"{last['at']:%Y-%m-%d %H:%M:%S} UTC"
    assert source.facts["runs"] == in_order["ingest"].to_list()
    assert source.facts["at"] == f"{read['at']:%Y-%m-%d %H:%M:%S} UTC"


def test_a_source_of_several_revisions_says_all_of_them(here):
    for run, revision, licence in (("b", "1a", "mit"), ("a", "2b", "mit"), ("c", None, "mit")):
        config = {"revision": revision, "licence": licence}
        runs.begin(here, "ingest", run=run, config=config, seed=None, inputs={})
        add(here, "records", rows_of("records", record_id=[run], source=["s"]), run=run)
        runs.end(here, run, "done", {})
    [source] = lineage.of_source(here, "s")
    assert source.facts["revision"] == ["1a", "2b", lineage.UNKNOWN]
    assert (source.facts["licence"], source.facts["runs"]) == ("mit", ["b", "a", "c"])


def test_a_record_says_its_conversions_and_the_subsets_that_hold_it(traced):
    record_id = ask(traced, "select unnest(ids) as id from subsets where name = 'some'")["id"][0]
    steps = of_record(traced, find(traced, record_id))
    assert kinds(steps) == ["record", "conversion", "subset", "subset", "source"]
    assert steps[1].facts["outcome"] == "example"


def test_an_id_that_is_nothing_is_refused(traced):
    with pytest.raises(NoSuchGeneration, match="no generation 'x'"):
        back(traced, "x")


def test_questions_are_near_by_the_words_that_are_rare():
    questions = ["how many apples has ann", "how many pears has bob", "how far is the moon"]
    near = most_similar(["ann eats apples"], questions, 2)
    assert max(near, key=lambda i: near[i]) == 0
    assert 2 not in near
    assert most_similar(questions, questions, 1) == pytest.approx({0: 1.0, 1: 1.0, 2: 1.0})
    assert most_similar([""], questions, 2) == {}


def test_a_record_without_any_problem_near_says_so(traced):
    problems_asked(traced, ["Zwei?", "Drei?", "Vier?", "Acht?"])
    record_id = ask(traced, "select record_id from examples order by 1")["record_id"][0]
    assert sentence(near_record(traced, record_id, "eval-sft")).startswith("No problem of eval-sft")


def test_failures_near_a_record_stand_beside_the_others_as_an_association(traced):
    questions = [f"How many {what} has Ann, then?" for what in ("apples", "pears")]
    questions += ["What is one and one?", "Which train is faster?"]
    problems_asked(traced, questions)
    record_id = ask(traced, "select record_id from examples order by 1")["record_id"][0]
    near = near_record(traced, record_id, "eval-sft")
    assert [one["problem_id"] for one in near["problems"]][:2] == ["p0", "p1"]
    assert near["near"]["n"] + near["others"]["n"] == 4
    assert near["small"]
    text = sentence(near)
    assert "association" in text
    assert "weak evidence" in text


def test_failures_near_a_defect_are_of_all_records_that_have_it(traced):
    problems_asked(
        traced, ["How many pears has Bob got?", "One and one?", "Which train?", "What else?"]
    )
    phrase = ask(traced, "select reason from conversions where reason is not null")["reason"][0]
    near = near_defect(traced, phrase, "eval-sft")
    assert (near["records"], near["looked_at"]) == (1, 1)
    assert [one["problem_id"] for one in near["problems"]] == ["p0"]
    with pytest.raises(UserError, match="no record has the defect 'none such'"):
        near_defect(traced, "none such", "eval-sft")


def test_failures_near_a_record_are_of_one_stage_and_unknown_is_a_failure(traced):
    problems_asked(traced, ["How many apples has Ann, then?", "Which train is faster?"])
    record_id = ask(traced, "select record_id from examples order by 1")["record_id"][0]
    scored(traced, "two", {"p0": False, "p1": False}, stage="base")
    scored(traced, "two", {"p0": True, "p1": None}, stage="sft")
    with pytest.raises(UserError, match="two/base, two/sft"):
        near_record(traced, record_id, "two")
    near = near_record(traced, record_id, "two/sft")
    assert (near["near"]["value"], near["others"]["value"], near["unknown"]) == (0, 1, 1)
    assert "Unknown verdicts count as failed (1 problems)." in sentence(near)
    assert near_record(traced, record_id, "two/base")["near"]["value"] == 1


def problems_asked(store: Store, questions: list[str]) -> None:
    """Give the evaluation's problems these questions."""
    ids = [f"p{n}" for n in range(len(questions))]
    add(store, "problems", rows_of("problems", problem_id=ids, question=questions), run="asked")


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
    problems_asked(traced, ["How many apples has Ann?", "One and one?", "Which train?", "Why?"])
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
