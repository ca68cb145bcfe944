"""The report of a store: its numbers, that it is one harmless file, and what it refuses."""

import json
import re
from pathlib import Path

import pytest

from data.store import open_store, snapshot
from evals.comparison import compare
from tests.support.harmless import TURNING, Elements
from tests.support.lineage_rows import traced_in
from workbench.report import contents, page


def written(say, out: Path, *options: str) -> str:
    code, _, errors = say("report", out, *options)
    assert (code, errors) == (0, "")
    return out.read_text()


@pytest.fixture
def imported(tmp_path, say):
    """Two runs of four problems; the second answers two more correctly."""
    for run, answers in (("one", "4 5 5 5"), ("two", "4 4 4 5")):
        rows = [
            {
                "problem_id": f"p{number}",
                "question": f"2 + 2, number {number}?",
                "gold": "4",
                "text": f"<reasoning>because</reasoning>\n<answer>{answer}</answer>",
                "stage": run,
            }
            for number, answer in enumerate(answers.split())
        ]
        file = tmp_path / f"{run}.jsonl"
        file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        assert say("import", file, "--name", run)[0] == 0
        assert say("failures", "--run", run)[0] == 0


def test_the_numbers_are_those_of_compare(imported, tmp_path, say):
    text = written(say, tmp_path / "r.html", "--run", "one", "--run", "two")
    with snapshot(open_store(tmp_path / "store")) as store:
        expected = compare.compare(store, "one", "two")["metrics"]["answer"]
    assert (expected["a"]["value"], expected["b"]["value"]) == (0.25, 0.75)
    low, high = (100 * expected["b"][side] for side in ("low", "high"))
    assert f"75.0% ({low:.1f} to {high:.1f})" in text
    assert "+50.0 points" in text
    assert f"{expected['p']:.3f}" in text
    fixed = re.search(r"<td>one → two</td><td>(\d)</td><td>(\d)</td>", text)
    assert fixed
    assert fixed.groups() == ("2", "0")


def test_the_page_loads_nothing_and_runs_nothing(imported, tmp_path, say):
    text = written(say, tmp_path / "r.html")
    elements = Elements(text).found
    assert {name for name, *_ in elements} & {"script", "img", "link", "iframe", "object"} == set()
    assert not re.findall(r"(?:src|href|action)=\"(?!#)|url\(|@import|https?:", text)
    assert "default-src &#39;none&#39;" in text


def test_hostile_texts_stay_texts(harmful, tmp_path, say):
    code, _, errors = say(
        *("--store", harmful, "report", tmp_path / "r.html", "--run", "one", "--run", "two"),
        *("--title", "<script>alert(1)</script>\u202e"),
    )
    assert (code, errors) == (0, "")
    text = (tmp_path / "r.html").read_text()
    attributes = {attribute for _, *names in Elements(text).found for attribute in names}
    assert not [name for name in attributes if name.startswith("on")]
    assert {name for name, *_ in Elements(text).found} & {"script", "img", "iframe"} == set()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert not [sign for sign in TURNING if sign in text]
    assert len(text) < 1_000_000  # though each text of the store may have a million characters


def test_what_was_trained_on_is_counted_as_the_audit_counts(tmp_path, say):
    store = traced_in(open_store(tmp_path / "store"), tmp_path)
    shown = contents.contents(store)
    assert shown["sources"]
    for source in shown["sources"]:
        rows = {row["name"]: row["rows"] for row in source["funnel"]}
        assert rows["converted"] + rows["quarantined"] == rows["read"]
    assert shown["trainings"]
    text = page.page(shown)
    for training in shown["trainings"]:
        assert training["run"] in text
    [device, *others] = [run["devices"] for run in shown["environment"]["runs"]]
    assert (device, others) == (["1 x TPU v5e"], [[]])
    assert "1 x TPU v5e" in text
    assert shown["licences"][0]["licence"] == "gemma"
    assert "google/gemma" in text


def test_a_store_without_answers_says_what_to_do(tmp_path, say):
    open_store(tmp_path / "store")
    code, _, errors = say("report", tmp_path / "r.html")
    assert code == 2
    assert "thinkbench eval" in errors
    assert not (tmp_path / "r.html").exists()


def test_a_run_without_answers_is_refused(imported, tmp_path, say):
    code, _, errors = say("report", tmp_path / "r.html", "--run", "three")
    assert code == 2
    assert "'three' is no run" in errors


def test_a_report_is_not_overwritten_unless_asked(imported, tmp_path, say):
    out = tmp_path / "r.html"
    out.write_text("mine")
    assert say("report", out)[0] == 2
    assert out.read_text() == "mine"
    assert "Results by stage" in written(say, out, "--overwrite")


def test_a_folder_has_what_a_web_server_needs(imported, tmp_path, say):
    assert say("report", tmp_path / "site")[0] == 0
    assert sorted(path.name for path in (tmp_path / "site").iterdir()) == [
        ".nojekyll",
        "index.html",
        "reproduce.toml",
        "results.json",
    ]
    stages = json.loads((tmp_path / "site" / "results.json").read_text())["stages"]
    assert [row["answer"]["value"] for row in stages] == [0.25, 0.75]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").write_text("mine")
    assert say("report", tmp_path / "other", "--overwrite")[0] == 2
    assert (tmp_path / "other" / "thesis.tex").read_text() == "mine"


def test_some_sections_are_a_fragment_for_a_notebook(imported, tmp_path, say):
    text = written(say, tmp_path / "r.html", "--only", "results")
    assert "<html" not in text
    assert "Metrics by stage" in text
    assert "Reproduction" not in text
    style = text.partition("</style>")[0].removeprefix("<style>")
    rules = [rule for rule in re.findall(r"([^{}]+)\{", style) if "@media" not in rule]
    selectors = [one.strip() for rule in rules for one in rule.split(",")]
    assert len(selectors) > 50
    assert not [one for one in selectors if not one.startswith(".tb")]  # others restyle the page
