"""The rollouts page: curves, what guards saw, groups in full; and texts stay texts."""

import json
from pathlib import Path

import pytest

from data.store import runs
from data.store.store import Store, add, open_store
from evals.imports.rollout_logs.import_log import import_rollouts
from evals.rollouts import steps
from evals.rollouts.verdicts import grade_rollouts
from tests.support import hostile, rollout_logs
from tests.support.rollout_rows import rolled
from tests.support.store_rows import copied, rows_of
from tests.workbench.app.views.test_audit import link, position, press

PAGE = "rollouts"
GROUPS = (
    (1, 0, "p1", ("7", "1", "1", "1")),
    (1, 1, "p2", ("1", "1", "1", "1")),
    (2, 0, "p1", ("7", "7", "7", "1")),
)


@pytest.fixture(scope="module")
def rolled_out(tmp_path_factory) -> Path:
    store = open_store(tmp_path_factory.mktemp("rollouts") / "store")
    runs.begin(store, "grpo", run="grpo-a", stage="grpo", config={}, seed=0, inputs={})
    rolled(store, "grpo-a", GROUPS, {"p1": "7", "p2": "7"})
    names = ["actor/train/kl", "actor/train/kl", "guard/kl"]
    metrics = rows_of("metrics", name=names, step=[1, 2, 2], value=[0.1, 9.0, 9.0])
    add(store, "metrics", metrics, run="grpo-a")
    runs.end(store, "grpo-a", "done", {})
    return store.folder


@pytest.fixture
def grpo(rolled_out, tmp_path) -> Store:
    """A run of two steps; a guard saw something at its second."""
    return copied(rolled_out, tmp_path)


def test_without_a_run_of_grpo_the_page_says_what_to_run(show, here):
    page = show(PAGE)
    assert "no GRPO run" in page.info[0].value
    assert " grpo" in page.code[0].value


def test_the_last_step_is_shown_first_and_step_back_goes_before_it(show, grpo):
    page = show(PAGE)
    assert page.select_slider[0].value == 2
    assert position(page) == (1, 1)
    press(page, "Previous step")
    assert page.query_params["step"] == "1"
    assert position(page) == (1, 2)


def test_an_imported_run_is_shown_with_what_its_log_does_not_say(show, here, tmp_path):
    rollout_logs.verl_0(tmp_path / "log")
    import_rollouts(here, tmp_path / "log", "theirs")
    page = show(PAGE)
    assert not page.exception
    shown = "\n".join(text.value for text in page.text)
    assert "unknown tokens" in shown
    assert "score 1.00" in shown


def test_a_question_lists_its_rollouts_and_a_click_shows_the_group(show, grpo):
    page = show(PAGE, find="true")
    assert "rollouts facets --run grpo-a" in page.code[0].value
    grade_rollouts(grpo, "grpo-a", "strict")
    page = show(PAGE, find="true", question="zero-variance-groups")
    assert "1 groups of 1 steps" in " ".join(caption.value for caption in page.caption)
    [table] = [each.value for each in page.dataframe if "extracted" in each.value]
    assert table["step"].to_list() == [1]
    page = show(PAGE, **{"find": "true", "rollouts-where": "reward >"})
    assert "expected" in page.error[0].value


@pytest.mark.parametrize(
    ("label", "rows"),
    [("Rewarded but incorrect", 0), ("Incorrect with positive advantage", 0),
     ("Zero-variance groups", 1)],
)  # fmt: skip
def test_each_first_question_is_one_click_away(show, grpo, label, rows):
    grade_rollouts(grpo, "grpo-a", "strict")
    page = show(PAGE, **{"rollouts-where": "step > 99"})
    press(page, label)
    assert page.query_params["find"] == "true"
    tables = [each.value for each in page.dataframe if "extracted" in each.value]
    assert [len(table) for table in tables] == [rows] * bool(rows)


def test_a_bin_of_the_histogram_leaves_its_rollouts_in_the_list(show, grpo):
    grade_rollouts(grpo, "grpo-a", "strict")
    asks = {"find": "true", "question": "longest"}

    def rewards(page) -> list[float]:
        [table] = [each.value for each in page.dataframe if "extracted" in each.value]
        return sorted(table["reward"].to_list())

    every = rewards(show(PAGE, **asks))
    first, last = every.count(every[0]), every.count(every[-1])
    assert first + last == len(every) == 12
    assert rewards(show(PAGE, **asks, **{"rollouts-bin": "1"})) == every[:first]
    page = show(PAGE, **asks, **{"rollouts-bin": "2"})
    assert rewards(page) == every[first:]
    [button] = [button for button in page.button if button.label.startswith("All bins")]
    assert rewards(button.click().run()) == every


def test_a_group_is_named_by_the_number_that_the_store_gives_it(show, here):
    runs.begin(here, "grpo", run="grpo-b", stage="grpo", config={}, seed=0, inputs={})
    groups = [(1, 0, "p1", ("7", "1")), (1, 3, "p2", ("1", "1")), (1, 3, "p1", ("1", "7"))]
    rolled(here, "grpo-b", groups, {"p1": "7", "p2": "7"})
    assert position(show(PAGE, group="1")) == (1, 3)
    page = show(PAGE, group="3")
    assert position(page) == (2, 3)
    press(page, "Next group")
    assert position(page) == (3, 3)
    press(page, "Previous group")
    press(page, "Previous group")
    assert (page.query_params["group"], position(page)) == ("0", (1, 3))


def test_drift_names_the_group_of_the_late_completion_that_it_shows(show, here):
    runs.begin(here, "grpo", run="grpo-b", stage="grpo", config={}, seed=0, inputs={})
    groups = [(1, 0, "p1", ("7", "1")), (2, 0, "p2", ("1", "1")), (2, 1, "p1", ("1", "1"))]
    rolled(here, "grpo-b", groups, {"p1": "7", "p2": "7"})
    grade_rollouts(here, "grpo-b", "strict")
    page = show(PAGE, find="true", question="drift")
    [table] = [each.value for each in page.dataframe if "change" in each.value]
    assert table[["step", "group"]].to_numpy().tolist() == [[2, 1]]


def test_tries_that_were_discarded_are_listed_at_their_step(show, here):
    rolled(here, "grpo-b", GROUPS, {"p1": "7"}, [(1, 1, "p3", ("1", "1", "1", "1"))])
    runs.begin(here, "grpo", run="grpo-b", stage="grpo", config={}, seed=0, inputs={})
    [fold] = [
        one for one in show(PAGE, run="grpo-b", step="1", discarded="true").expander
        if one.label == "Discarded in this step: 1 group"
    ]  # fmt: skip
    assert fold.dataframe[0].value["problem_id"].to_list() == ["p3"]
    labels = [one.label for one in show(PAGE, run="grpo-b", step="2").expander]
    assert not any("Discarded" in label for label in labels)


def test_an_address_restores_step_and_group(show, grpo):
    page = show(PAGE, run="grpo-a", step="1", group="1")
    assert position(page) == (2, 2)
    assert any("nothing is learned" in one.value for one in page.info)


def test_the_run_and_the_step_that_are_shown_first_are_in_the_address(show, grpo):
    shown = link(show(PAGE))
    assert shown == {"run": "grpo-a", "step": "2"}
    runs.begin(grpo, "grpo", run="grpo-b", stage="grpo", config={}, seed=0, inputs={})
    rolled(grpo, "grpo-b", GROUPS, {"p1": "7", "p2": "7"})
    page = show(PAGE, **shown)
    assert page.selectbox[0].value == "grpo-a"


def test_every_completion_of_a_group_has_its_reward_and_advantage(show, grpo):
    shown = [one.value for one in show(PAGE, step="1", group="0").text]
    samples = [text for text in shown if text.startswith("sample ")]
    assert [text.split(":")[0] for text in samples] == [f"sample {n}" for n in range(4)]
    assert all("advantage" in text and "answer" in text for text in samples)


def test_a_collapse_warning_is_shown(show, grpo):
    page = show(PAGE)
    assert "Collapse checks" in page.warning[0].value
    assert page.dataframe[0].value["sign"].to_list() == ["kl"]


def test_all_curves_are_one_chart_in_which_each_has_its_title_and_its_rules(show, grpo):
    specs = [json.loads(one.proto.spec) for one in show(PAGE, step="1").get("vega_lite_chart")]
    [panels] = [spec["concat"] for spec in specs if "concat" in spec]
    assert [panel["title"]["text"] for panel in panels] == [
        "reward components",
        "length [tokens]",
        "zero-variance groups, truncated completions [share]",
        "KL to reference [nats/token]",
    ]
    marks = [[layer["mark"]["type"] for layer in panel["layer"]] for panel in panels]
    assert marks == [["line", "rule", "rule"]] * 4


@pytest.mark.parametrize("step", ["-1", "9999999999", "x", "1; drop table rollouts"])
def test_an_address_that_names_no_step_shows_one(show, grpo, step):
    assert show(PAGE, step=step).select_slider[0].value in (1, 2)


def test_no_text_becomes_markup_and_no_page_breaks(show, full):
    page = show(PAGE)
    assert len([one for one in page.text if one.value.startswith("sample ")]) == len(hostile.TEXTS)
    hostile.check(page)


def test_how_a_problem_fared_over_time_is_drawn_where_its_fold_is_open(show, grpo):
    problem = steps.groups(grpo, "grpo-a", 2)["problem_id"].item()
    met = steps.problem_history(grpo, "grpo-a", problem)
    page = show(PAGE)
    [fold] = [one for one in page.expander if "over time" in one.label]
    assert fold.label == f"This problem over time: sampled {met.height} times"
    opened = show(PAGE, **{"over-time": "true"})
    assert len(opened.get("vega_lite_chart")) == len(page.get("vega_lite_chart")) + 1
