"""The app: pages show the numbers of the reports, and say what to run where there are none."""

import contextlib
import itertools
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import polars as pl
import pytest
from streamlit import file_util

from data.sources.ingest import ingest
from data.store import jobs, runs
from data.store.store import Store, ask, open_store
from evals.comparison import compare
from tests import ROOT
from tests.support.evaluation import evaluate
from tests.support.store_rows import scored
from workbench.app import server as serve
from workbench.formatting.numbers import change, interval
from workbench.lookup.evaluations import default_runs, newest_by_stage, recent_runs


@pytest.mark.parametrize("page", ["main", "overview", "audit"])
def test_without_a_store_a_page_says_what_to_run_and_makes_none(show, page, tmp_path):
    shown = show(page)
    assert "no store" in shown.info[0].value
    assert "run --preset tiny" in shown.code[0].value
    assert not (tmp_path / "store").exists()


def test_the_app_opens_on_the_overview(show, here):
    assert show("main").title[0].value == "Overview"


def test_beside_every_page_stand_its_store_what_it_holds_and_whether_it_can_be_changed(
    show, here, monkeypatch
):
    evaluate(here, "eval-base", "base", ["7", "1"])
    jobs.submit(here, ["sft"], "ana")
    monkeypatch.setenv("THINKBENCH_READ_ONLY", "1")
    beside = show("main").sidebar
    links = [link.proto.label for link in beside.get("page_link")]
    assert links[:3] == ["Overview :small[1]", "Audit", "Generations :small[2]"]
    assert links[-1] == "sft: queued"
    assert str(here.folder).endswith(beside.get("text")[0].value.rpartition("…")[2])
    assert "Read-only" in " ".join(one.value for one in beside.markdown)


def test_the_overview_of_an_empty_store_says_what_to_run(show, here):
    page = show("overview")
    assert "No evaluation" in page.info[0].value
    assert page.code[0].value == f"thinkbench --store {here.folder} run --preset tiny"


def test_the_overview_shows_the_numbers_of_the_report(show, here):
    evaluate(here, "eval-grpo", "grpo", ["7", "7", "7", "1"])
    evaluate(here, "eval-base", "base", ["7", "1", "1", "1"])
    page = show("overview")
    in_order = ["eval-base", "eval-grpo"]
    assert page.multiselect[0].value == in_order
    stages, comparisons = page.dataframe[0].value, page.dataframe[1].value
    expected = compare.stages(here, in_order)
    assert stages["stage"].to_list() == ["base", "grpo"]
    assert stages["answer"].to_list() == [interval(row["answer"]) for row in expected]
    expected = compare.comparisons(here, in_order)
    assert comparisons["difference"].to_list() == [change(row) for row in expected]
    answer = comparisons[comparisons["metric"] == "answer"].iloc[0]
    assert (answer["fixed"], answer["regressed"]) == (2, 0)


def test_the_overview_tells_what_a_run_cost_and_leaves_unknown_what_is(here):
    evaluate(here, "e", "base", ["7", "1"])
    runs.begin(here, "sft", run="s", stage="sft", config={}, seed=0, inputs={})
    rows = recent_runs(here).select("run", "seconds", "tokens").rows()
    assert sorted(rows) == [("e", None, 10), ("s", None, None)]


def test_the_overview_sees_what_was_added_since(show, here):
    evaluate(here, "eval-base", "base", ["7", "1"])
    assert show("overview").multiselect[0].value == ["eval-base"]
    evaluate(here, "eval-sft", "sft", ["7", "7"])
    assert show("overview").multiselect[0].value == ["eval-base", "eval-sft"]


def test_a_store_that_was_made_anew_in_the_same_place_is_shown_and_not_the_old_one(
    show, here, tmp_path
):
    def shown() -> str:
        [answer] = show("overview").dataframe[0].value["answer"].to_list()
        return answer

    evaluate(here, "eval-base", "base", ["7", "1"])
    assert shown().startswith("50.0")
    shutil.rmtree(tmp_path / "store")
    evaluate(open_store(tmp_path / "store"), "eval-base", "base", ["7", "7"])
    assert shown().startswith("100.0")


def test_imports_of_no_stage_are_no_stage_of_their_own():
    rows = [
        ("elsewhere", None, 1, False),
        ("again", None, 2, False),
        ("eval-base", "base", 0, False),
    ]
    columns = ["run", "stage", "ended_at", "of_train"]
    evaluations = pl.DataFrame(rows, schema=columns, orient="row")
    assert newest_by_stage(evaluations) == ["eval-base"]
    assert newest_by_stage(evaluations.head(2)) == ["elsewhere", "again"]


def test_the_overview_takes_every_grader_of_the_address(show, here):
    evaluate(here, "eval-base", "base", ["7", "1"])
    page = show("overview", grader="math")
    assert page.selectbox[0].value == "math"
    assert [box.value for box in page.code] == [
        f"thinkbench --store {here.folder} grade --grader math"
    ]


def test_the_newest_run_of_a_stage_is_shown_first(show, here):
    evaluate(here, "old", "base", ["7", "1"])
    evaluate(here, "new", "base", ["7", "7"])
    assert show("overview").multiselect[0].value == ["new"]


def done(store: Store, kind: str, run: str, parent: str | None, **inputs: str) -> None:
    stage = run.partition("-")[0]
    fields = {"stage": stage, "config": {}, "seed": 0, "inputs": inputs, "parent": parent}
    runs.begin(store, kind, run=run, **fields)
    runs.end(store, run, "done", {})


def test_usual_are_the_evaluations_of_one_model_and_of_those_it_was_trained_from(here):
    done(here, "eval", "base-1", None, model="0", problems="all")
    done(here, "sft", "train-1", None, model="0")
    done(here, "eval", "sft-1", "train-1", model="1", problems="all")
    done(here, "eval", "sft-other", "train-1", model="1", problems="others")
    done(here, "grpo", "train-2", "train-1", model="1")
    done(here, "eval", "grpo-1", "train-2", model="2", problems="all")
    assert default_runs(here) == ["base-1", "sft-1", "grpo-1"]
    # an sft of another model is newer than sft-1, and no step on the way to grpo-1
    done(here, "sft", "train-3", None, model="0'")
    done(here, "eval", "sft-3", "train-3", model="3", problems="all")
    assert default_runs(here) == ["base-1", "sft-1", "grpo-1"]
    done(here, "sft", "train-4", None, model="0")
    done(here, "eval", "sft-4", "train-4", model="4", problems="all")
    assert default_runs(here) == ["base-1", "sft-4"]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_the_command_serves_the_app_on_this_machine_until_ctrl_c(tmp_path):
    port = free_port()
    program = "from workbench.cli.main import main; main()"
    server = subprocess.Popen(
        [sys.executable, "-c", program, "app", "--port", str(port), "--store", str(tmp_path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=10) as answer:
        assert answer.read() == b"ok"
    server.send_signal(signal.SIGINT)
    output, _ = server.communicate(timeout=30)
    assert server.returncode == 0
    assert f"http://127.0.0.1:{port}" in output
    assert "usage stat" not in output


def test_the_app_is_bound_to_this_machine_and_reports_nothing():
    command = serve.command(8765)
    flags = dict(itertools.pairwise(command))
    assert flags["--server.address"] == "127.0.0.1"
    assert flags["--server.port"] == "8765"
    assert flags["--browser.gatherUsageStats"] == "false"


def test_the_theme_is_where_streamlit_looks_for_it():
    theme = file_util.get_main_script_streamlit_file_path(str(serve.APP), "config.toml")
    assert "primaryColor" in Path(theme).read_text()


def test_no_page_writes_markup_of_its_own():
    files = [*(ROOT / "workbench" / "app").rglob("*.py")]
    assert len(files) > 40
    markup = ("unsafe_allow_html", "unsafe_allow_javascript", "st.write(")
    assert [f.name for f in files for word in markup if word in f.read_text()] == []
    # HTML comes from functions that escape every text (tests of spans, texts and lineage)
    page = (
        r"\.html\((?!STYLE\)|(?:marks\.on_page|texts\.folded|text\.folded|folded|chain\.drawn)\()"
    )
    assert [f.name for f in files if re.search(page, f.read_text())] == []


def test_an_import_is_shown_by_the_grader_that_fits_it(show, here):
    evaluate(here, "eval-base", "base", ["7", "1"])
    runs.begin(here, "import", run="theirs", config={"graders": ["lenient"]}, seed=None, inputs={})
    scored(here, "theirs", {"p0": True, "p1": True}, grader="lenient")
    runs.end(here, "theirs", "done", {})
    assert show("overview", runs="eval-base").selectbox[0].value == "strict"
    page = show("overview", runs="theirs")
    assert page.selectbox[0].value == "lenient"
    assert not page.exception


def test_runs_that_a_grader_has_not_graded_are_named_with_the_command(show, here):
    evaluate(here, "eval-base", "base", ["7", "1"])
    assert not [one for one in show("failures").warning if "not shown" in one.value]
    page = show("failures", grader="math")
    assert len([one for one in page.warning if "not shown (1)" in one.value]) == 1
    assert "eval-base" in [text.value for text in page.text]
    assert page.code[0].value == f"thinkbench --store {here.folder} grade --grader math"


def test_a_record_is_traced_back_though_no_run_has_scores(show, here, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"question": "3 + 4?", "answer": "3 + 4 = 7\\n#### 7"}\n')
    ingest(here, "mine", path, "gsm8k")
    runs.begin(here, "import", run="theirs", config={}, seed=None, inputs={})
    runs.end(here, "theirs", "done", {})
    [record] = ask(here, "select record_id from records")["record_id"]
    page = show("lineage", id=record)
    assert "cannot be listed" in page.error[0].value
    assert "no scores of run 'theirs'" in "".join(text.value for text in page.text)
    assert page.get("html")
