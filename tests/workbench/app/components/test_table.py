"""Tables of the app: blank where nothing is known, thousands apart, times in UTC, no empty rows."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest

from workbench.app.components import table

ROWS = [
    {"run": "a", "tokens": 16_050, "started_at": datetime(2026, 11, 25, 18, 3, 12, 99, UTC)},
    {"run": None, "tokens": None, "started_at": None},
]


def shown(rows: table.Rows, **more):
    """What st.dataframe would be asked."""
    arguments = {}

    class Block:
        def dataframe(self, frame, **look):
            arguments.update(look, frame=frame)

    table.table(rows, into=Block(), **more)
    return arguments


def test_what_is_unknown_is_blank():
    assert shown(ROWS)["placeholder"] == ""


def test_whole_numbers_have_thousands_apart_and_the_head_says_utc():
    look = shown(ROWS)["column_config"]
    assert look["run"] == "run"
    assert look["tokens"]["type_config"]["format"] == "%,d"
    assert look["started_at"]["label"] == "started at [UTC]"
    assert look["started_at"]["type_config"]["format"] == "YYYY-MM-DD HH:mm:ss"


def test_a_time_of_another_zone_is_told_in_utc():
    zone = timezone(timedelta(hours=2))
    frame = shown([{"at": datetime(2026, 11, 25, 20, 3, tzinfo=zone)}])["frame"]
    assert frame["at"].to_list() == [datetime(2026, 11, 25, 18, 3)]


@pytest.mark.parametrize(("rows", "height"), [(0, "content"), (3, "content"), (4, 4 * 31 + 2)])
def test_a_table_is_as_high_as_its_rows_up_to_a_limit(rows, height):
    assert shown(pl.DataFrame({"n": range(rows)}), most=3)["height"] == height


def test_a_look_that_is_asked_for_is_taken_instead_of_the_usual():
    assert shown(ROWS, look={"tokens": "words"})["column_config"]["tokens"] == "words"


def test_a_table_of_nothing_is_a_table():
    assert shown([])["frame"].is_empty()
