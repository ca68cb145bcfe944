"""Charts of the app: whole numbers are told without fractions, on axes and in tooltips."""

import polars as pl
import pytest

from workbench.app.components import charts

CURVE = pl.DataFrame({"name": ["tokens"], "step": [1], "value": [44.0]})
POINT = {"budget": 2_048, "n": 3_000, "value": 0.5, "low": 0.4, "high": 0.6}
CHARTS = {
    "curve": charts.curve(CURVE, [1], 1),
    "funnel": charts.funnel({"read": 1}, "black"),
    "causes": charts.causes({"truncation": 1}, {"answers lost": 1}, "black"),
    "survival": charts.survival([POINT]),
}
WHOLE = {"rows", "budget", "n", "problems", "step"}


def encodings(name: str) -> list[dict]:
    return [layer["encoding"] for layer in CHARTS[name].to_dict()["layer"]]


@pytest.mark.parametrize("name", CHARTS)
def test_a_whole_number_has_no_fraction_in_a_tooltip(name):
    tips = [tip for one in encodings(name) for tip in one.get("tooltip", ())]
    formats = {tip["field"]: tip.get("format") for tip in tips if tip["field"] in WHOLE}
    assert formats
    assert set(formats.values()) == {",d"}


@pytest.mark.parametrize("name", ["curve", "funnel", "causes"])
def test_an_axis_of_few_counts_has_no_tick_between_them(name):
    assert encodings(name)[0]["x"]["axis"]["tickMinStep"] == 1


def test_a_curve_that_stays_where_it_is_names_its_value_without_zeros_behind_it():
    assert encodings("curve")[0]["y"]["axis"]["format"] == ".4~g"
