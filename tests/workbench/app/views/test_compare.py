"""The compare page: the numbers of the report, the flow, and the problems behind each of them."""

from pathlib import Path

import altair as alt
import polars as pl
import pytest

from data.store.store import Store, add, open_store
from evals.comparison import compare, transitions
from evals.graders import GRADERS
from tests.support import hostile
from tests.support.evaluation import evaluate
from tests.support.imported import colliding, import_rows
from tests.support.store_rows import copied, rows_of
from tests.workbench.app.views.test_audit import link, position, press
from workbench.app.components import charts
from workbench.app.components.sankey import flow
from workbench.formatting.numbers import change, interval

PAGE = "compare"


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory) -> Path:
    store = open_store(tmp_path_factory.mktemp("compare") / "store")
    evaluate(store, "eval-base", "base", ["7", "1", "1", "7"])
    evaluate(store, "eval-grpo", "grpo", ["7", "7", "7", "1"])
    problems = rows_of("problems", problem_id=[f"p{n}" for n in range(4)], steps=[2, 2, 3, 3],
                       question=["q"] * 4, gold=["7"] * 4)  # fmt: skip
    add(store, "problems", problems, run="ingest")
    return store.folder


@pytest.fixture
def two(evaluated, tmp_path) -> Store:
    """p1 and p2 are fixed, p3 regresses, p0 stays correct; they have two and three steps."""
    return copied(evaluated, tmp_path)


def data_of(chart: alt.LayerChart | alt.FacetChart, layer: int) -> pl.DataFrame:
    assert isinstance(chart, alt.LayerChart)
    data = chart.layer[layer].data
    assert isinstance(data, pl.DataFrame)
    return data


def test_one_run_alone_says_what_to_run(show, here):
    evaluate(here, "eval-base", "base", ["7"])
    page = show(PAGE)
    assert "two evaluations" in page.info[0].value
    assert " run --preset tiny" in page.code[0].value


def test_the_page_shows_the_numbers_of_the_report(show, two):
    page = show(PAGE, by="steps", numbers="true")
    expected = compare.compare(two, "eval-base", "eval-grpo", by=["steps"])
    shown = page.dataframe[0].value
    assert shown["baseline"].to_list() == [
        interval(row["a"]) for row in expected["metrics"].values()
    ]
    assert shown["difference"].to_list() == [change(row) for row in expected["metrics"].values()]
    slices = next(f.value for f in page.dataframe if "slice" in f.value)
    assert slices["value"].to_list() == ["2", "3"]
    assert slices["difference"].to_list() == [change(row) for row in expected["slices"]]


def test_fixed_and_regressed_problems_are_listed_and_stepped_through(show, two):
    page = show(PAGE)
    [box] = [box for box in page.selectbox if box.label == "Problems"]
    assert box.options[:3] == ["fixed · 2", "regressed · 1", "still correct · 1"]
    listed = next(f.value for f in page.dataframe if "question" in f.value)
    assert listed[["problem_id", "a", "b"]].to_numpy().tolist() == [
        ["p1", "1", "7"],
        ["p2", "1", "7"],
    ]
    assert [head.value for head in page.header][-2:] == ["✗ incorrect", "✓ correct"]
    press(page, "Next row")
    assert page.query_params["problem"] == "p2"
    box.set_value("broken").run()
    assert page.query_params["group"] == "broken"
    assert [head.value for head in page.header][-2:] == ["✓ correct", "✗ incorrect"]


def test_an_address_restores_what_is_compared(show, two):
    page = show(PAGE, a="eval-grpo", b="eval-base", group="broken", problem="p2", by="gold")
    assert [box.value for box in page.selectbox] == ["eval-grpo", "eval-base", "strict", "broken"]
    assert page.button_group[0].value == ["gold"]
    assert position(page) == (2, 2)


def test_an_address_that_names_no_runs_shows_the_usual_ones(show, two):
    page = show(PAGE, a="../x", b="'; drop", grader="<b>", by="x", group="none", problem="?")
    assert [box.value for box in page.selectbox][:3] == ["eval-base", "eval-grpo", "strict"]


def test_runs_over_other_problems_say_that_they_cannot_be_compared(show, two):
    row = rows_of("scores", generation_id=["x"], problem_id=["other"], sample=[0],
                  grader=["strict"], grader_version=[GRADERS["strict"].version],
                      correct=[True])  # fmt: skip
    add(two, "scores", row, run="another", stage="sft")
    page = show(PAGE, a="eval-base", b="another")
    assert page.error[0].value == "These runs cannot be compared."
    assert any("no problem in common" in text.value for text in page.text)


def test_the_bands_of_the_flow_hold_every_problem_once(two):
    moved = transitions.transitions(two, ["eval-base", "eval-grpo"])
    bands = data_of(flow(moved, "black"), 0)
    for end in (bands["x"].min(), bands["x"].max()):
        at = bands.filter(pl.col("x") == end)
        covered = sorted(zip(at["top"], at["bottom"], strict=True))
        assert [low for low, _ in covered] == [0.0, *(high for _, high in covered[:-1])]
        assert covered[-1][1] == moved["n"]
    sizes = dict(bands.group_by("kind").agg(pl.col("problems").first()).iter_rows())
    assert sizes == {"fixed": 2, "regressed": 1, "still correct": 1}


def test_the_chart_of_differences_leaves_out_what_is_unknown():
    measured = {"label": "a", "difference": 0.1, "low": 0.0, "high": 0.2, "n": 9, "holm": 0.01}
    rows = [
        measured,
        measured | {"label": "b", "low": None},
        measured | {"label": "c", "difference": None},
    ]
    assert data_of(charts.differences(rows, "#25282c"), 1)["label"].to_list() == ["a"]


def test_no_text_becomes_markup_and_no_page_breaks(show, full):
    page = show(PAGE)
    hostile.check(page)
    [box] = [box for box in page.selectbox if box.label == "Problems"]
    assert box.options
    for _ in range(3):
        following = next(button for button in page.button if button.label == "Next row")
        if following.disabled:
            break
        hostile.check(press(page, "Next row"))


def test_the_runs_that_nobody_chose_are_in_the_address_and_stay_when_newer_ones_come(show, two):
    page = show(PAGE)
    assert (link(page)["a"], link(page)["b"]) == ("eval-base", "eval-grpo")
    evaluate(two, "eval-newer", "grpo", ["7", "7", "7", "7"])
    assert link(show(PAGE))["b"] == "eval-newer"
    page.run()
    assert [box.value for box in page.selectbox][:2] == ["eval-base", "eval-grpo"]


def test_the_flow_goes_by_way_of_other_runs_and_the_lists_stay_those_of_the_two(show, two):
    evaluate(two, "eval-sft", "sft", ["7", "7", "1", "1"])
    page = show(PAGE, a="eval-base", b="eval-grpo", way="eval-sft")
    [chart, *_] = page.get("vega_lite_chart")
    drawn = chart.proto.SerializeToString()
    assert all(stage in drawn for stage in (b"eval-base", b"eval-sft", b"eval-grpo"))
    [box] = [box for box in page.selectbox if box.label == "Problems"]
    assert box.options[:2] == ["fixed · 2", "regressed · 1"]


def test_an_id_of_two_problems_is_not_compared_and_the_page_says_so(show, here, tmp_path):
    colliding(here, tmp_path)
    page = show(PAGE, a="b", b="a", grader="lenient")
    assert [warning.value for warning in page.warning] == [
        "1 problem id names different problems in these runs, so they are not compared."
    ]
    assert page.caption[0].value.startswith("1 shared problems (0 only in the baseline, 1 only")


def test_the_question_of_a_pair_is_the_one_that_was_answered(show, here, tmp_path):
    colliding(here, tmp_path)
    import_rows(here, tmp_path, "c", {"question": "9 - 1?", "gold": "8", "text": "7"})
    page = show(PAGE, a="b", b="c", grader="lenient", problem="p1")
    listed = page.dataframe[-1].value
    assert listed["question"].to_list() == ["9 - 1?"]
    assert "Reference answer: 8" in [text.value for text in page.text]
