"""Lineage: from a source or a record back to its conversion and its files."""

import json

from data.audit.quarantine import find
from data.conversion.convert_source import convert_source
from data.lineage import UNKNOWN, of_record, of_source
from data.sources.ingest import ingest
from data.store import runs
from data.store.store import add, ask
from tests.support.lineage_rows import RIGHT, kinds
from tests.support.store_rows import rows_of


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
    conversion, source = of_source(here, "mine")
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
    [source] = of_source(here, "s")
    assert source.facts["revision"] == ["1a", "2b", UNKNOWN]
    assert (source.facts["licence"], source.facts["runs"]) == ("mit", ["b", "a", "c"])


def test_a_record_says_its_conversions_and_the_subsets_that_hold_it(traced):
    record_id = ask(traced, "select unnest(ids) as id from subsets where name = 'some'")["id"][0]
    steps = of_record(traced, find(traced, record_id))
    assert kinds(steps) == ["record", "conversion", "subset", "subset", "source"]
    assert steps[1].facts["outcome"] == "example"
