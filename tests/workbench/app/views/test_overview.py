"""The overview says whose scores are no held-out scores, and what it does not compare."""

import json
from html import unescape

from streamlit.proto.Metric_pb2 import Metric

from data.conversion.convert_source import convert_source
from data.sources.ingest import ingest
from tests.support.evaluation import evaluate
from tests.support.imported import colliding, import_rows

GREY = Metric.MetricColor.GRAY


def test_imported_answers_to_train_problems_are_named(show, here, tmp_path):
    (tmp_path / "train.jsonl").write_text(
        json.dumps({"question": "3 + 4?", "answer": "So 7\n#### 7"})
    )
    ingest(here, "gsm8k", tmp_path / "train.jsonl")
    convert_source(here, "gsm8k")
    import_rows(here, tmp_path, "whole")
    import_rows(here, tmp_path, "part", {}, {"problem_id": "o", "question": "An own question?"})
    page = show("overview", runs="whole", grader="lenient")
    assert page.dataframe[0].value["stage"].to_list() == ["import (train problems)"]
    assert page.warning[0].value.startswith("whole: answers to train problems")
    page = show("overview", runs="part", grader="lenient")
    assert page.dataframe[0].value["stage"].to_list() == ["import (1 train problems)"]
    assert page.warning[0].value.startswith("part: 1 of 2 problems are train problems")
    recent = page.dataframe[-1].value
    assert dict(zip(recent["run"], recent["kind"], strict=True))["part"] == (
        "import (train problems)"
    )


def test_ids_of_different_problems_are_counted_beside_the_differences(show, here, tmp_path):
    colliding(here, tmp_path)
    page = show("overview", grader="lenient")
    [note] = page.warning
    assert note.value.startswith("1 problem id names different problems")
    assert set(page.dataframe[1].value["problems"]) == {1}


def test_each_stage_has_a_card_with_its_accuracy_and_the_change_since_the_one_before(show, here):
    evaluate(here, "eval-base", "base", ["1"] * 12 + ["7"] * 4)
    evaluate(here, "eval-sft", "sft", ["7"] * 15 + ["1"])
    page = show("overview", runs=["eval-base", "eval-sft"], grader="strict")
    base, sft = page.metric
    assert (base.label, base.value, base.delta) == ("base", "25.0%", "")
    assert (sft.label, sft.value, sft.delta) == ("sft", "93.8%", "+68.8 points")
    shown = [unescape(one.value) for one in page.caption if "fixed" in unescape(one.value)]
    assert any("12 fixed, 1 regressed" in text for text in shown)
    # three of four problems are no news: the interval includes no change
    evaluate(here, "eval-same", "grpo", ["7"] * 14 + ["1", "1"])
    page = show("overview", runs=["eval-sft", "eval-same"], grader="strict")
    assert [one.proto.color for one in page.metric][1] == GREY
