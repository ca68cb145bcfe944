"""Conversion: what became of each row, down to the characters."""

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as some

from data.conversion.convert import RULES, Conversion, Example, convert
from data.conversion.dialects.table import BUNDLED
from data.errors import UserError
from data.sources.samples import damaged_records
from tests import ROOT
from tests.support.accounts import faults, lost
from tests.support.rows import PIECES, ROWS, stratos

SHARED = ROOT.parent / "shared" / "data"
BOX = frozenset({"answer-from-box"})


def of(text: str, rules: frozenset[str] = frozenset(), prompt: str = "How many?"):
    return convert({"prompt": prompt, "completion": text}, "completion", rules=rules)


def example_of(result: Conversion) -> Example:
    assert result.example, result.defects
    return result.example


def phrases(result) -> list[str]:
    return sorted({defect.phrase for defect in result.defects})


@pytest.mark.parametrize("rules", [frozenset(), BOX], ids=["plain", "answer-from-box"])
def test_planted_defects_are_found_and_nothing_else(rules):
    rows = damaged_records.stratos_rows(600, seed=3)
    truth = [sorted(defects) for defects in damaged_records.planted(600, seed=3)]
    if rules == BOX:  # the long answers are code, which has no box to take
        missing = "boxed answer missing"
        truth = [sorted({*t, missing} if "answer not short" in t else t) for t in truth]
    assert [phrases(convert(row, "stratos", rules=rules)) for row in rows] == truth


@pytest.mark.parametrize("dialect", BUNDLED.dialects.values(), ids=lambda dialect: dialect.name)
def test_every_dialect_of_the_table_converts(dialect):
    opened, close, answer, closed = ((*markers, "")[0] for markers in dialect.roles)
    result = of(f"{opened}\nthree and four\n{close}\n{answer}\n7\n{closed}")
    assert result.outcome == "example", result.defects
    assert (example_of(result).reasoning.text, example_of(result).answer.text) == (
        "three and four",
        "7",
    )


def test_spans_are_where_the_blocks_stand_in_the_source():
    text = "<think>\n  3 + 4 = 7 \n</think>\n\n7\n"
    example = example_of(of(text))
    for span in (example.reasoning, example.answer):
        assert text[span.start : span.end] == span.text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The answer is 7.", "no thinking"),
        ("<thinking>a", "thought never closed"),
        ("a</thinking>7", "thought never opened"),
        ("<thinking></thinking>7", "no thinking"),
        ("<thinking>a</thinking>", "no answer"),
        ("<thinking>so \\boxed{7}</thinking>", "answer only inside the reasoning"),
        ("</thinking>a<thinking>7", "order reversed"),
        ("<answer>7</answer><reasoning>a</reasoning>", "order reversed"),
        ("<reasoning>a</reasoning><answer> </answer>", "answer empty"),
        ("<think>a</think>\n\\boxed{}", "answer empty"),
        ("<think>a</think>\nSo the answer is \\boxed{ }.", "answer empty"),
        ("<reasoning>a</reasoning><answer>...</answer>", "answer empty"),
        ("<think>a</think>\n\u2014", "answer empty"),
        ("<reasoning>a</reasoning><answer>7", "text cut off"),
        ("<think>a</think><think>b</think>7", "doubled block"),
        ("<think>a <think>b</think> c</think>7", "doubled block"),
        ("", "no thinking"),
    ],
)
def test_a_broken_row_is_quarantined_for_its_own_reason(text, reason):
    result = of(text)
    assert (result.outcome, result.reason) == ("quarantined", reason)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<think>three and four<|end_of_thought|>7", "thought never closed"),
        ("<think>three and four</think><|begin_of_solution|>7<|end_of_solution|>", None),
        ("<|begin_of_thought|>a<|end_of_thought|><answer>7</answer>", "no answer"),
    ],
)
def test_markers_of_two_dialects_are_reported_where_they_stand(text, reason):
    result = convert({"prompt": "q", "completion": text}, "completion")
    defects = [
        d for d in result.defects if d.phrase in ("mixed dialects", "residue of old markers")
    ]
    assert defects
    assert all(text[d.start : d.end].startswith("<") for d in defects)
    if reason:
        assert result.reason == reason
        assert {d.phrase for d in defects} == {"mixed dialects"}


@pytest.mark.parametrize(
    ("answer", "differ"),
    [
        ("The answer is 7. Final Answer: 8", True),
        ("The answer is **1,200**.\n\n**Final Answer: 1200.0**", False),
        ("Final answer: 1/2, so the answer is 1", False),
        ("Final answer: 7. No: the final answer is 9.", True),
        ("(a) The answer is 3. (b) The answer is 4.", False),
    ],
)
def test_answers_that_one_block_states_in_words_must_agree(answer, differ):
    result = of(f"<think>a</think>{answer}")
    assert (result.reason == "two answers that differ") == differ
    assert result.example is None if differ else result.outcome == "example"


def test_an_answer_block_of_another_dialect_in_the_rest_is_residue_and_mixes_dialects():
    result = of("<think>a</think><|begin_of_solution|>7<|end_of_solution|>")
    assert result.reason == "residue of old markers"
    assert phrases(result) == ["mixed dialects", "residue of old markers"]


def test_a_close_only_thought_counts_where_the_template_wrote_the_opener():
    result = of("three and four\n</think>\n7")
    assert (result.outcome, example_of(result).reasoning.text) == (
        "example",
        "three and four",
    )


def test_markers_in_a_code_fence_are_no_structure():
    text = "<think>\nWrite\n```\n</think>\n```\nthen stop\n</think>\n7"
    result = of(text)
    assert result.outcome == "example"
    assert example_of(result).reasoning.text.endswith("then stop")


def test_escaped_markers_are_no_structure():
    assert of("&lt;think&gt;a&lt;/think&gt;7").reason == "markers escaped as HTML"


@pytest.mark.parametrize(
    "text",
    [
        "<THINK>a</THINK>7",
        "<think >a</think >7",
        "<begin_of_thought>a<end_of_thought>7",
        "&#60;think&#62;a&#60;/think&#62;7",
        "&amp;lt;think&amp;gt;a&amp;lt;/think&amp;gt;7",
        "\\u003cthink\\u003ea\\u003c/think\\u003e7",
    ],
)
def test_a_row_whose_markers_are_misspelt_is_quarantined_for_that(text):
    result = of(text)
    assert result.reason == "marker misspelt"
    first, second = result.defects
    assert text[: first.end] + "a" + text[second.start :] == text
    assert text[second.end :] == "7"


def test_a_misspelt_marker_is_reported_beside_what_it_led_to():
    text = "<think>a</Think>7"
    result = of(text)
    assert result.reason == "thought never closed"
    [defects] = [d for d in result.defects if d.phrase == "marker misspelt"]
    assert text[defects.start : defects.end] == "</Think>"


@pytest.mark.parametrize(
    "thought",
    ["a < b", "`<THINK>` is a tag", "<end> <channel> <b>", "[think] {answer}", "a <thinker>"],
)
def test_other_tags_and_quoted_ones_are_not_taken_for_misspelt_markers(thought):
    assert phrases(of(f"<think>{thought}</think>7")) == []


def test_markers_quoted_in_prompt_and_system_are_no_structure():
    row = {
        "system": "Write <|begin_of_thought|> and <|end_of_thought|>.",
        "conversations": [
            {"from": "user", "value": "What does <think> mean?"},
            {"from": "assistant", "value": "<think>a tag</think>A tag."},
        ],
    }
    result = convert(row, "stratos")
    assert (result.outcome, result.dialect) == ("example", "think")


def test_the_box_is_taken_only_when_asked_for_and_says_where_it_stood():
    text = "<think>a</think>So it is \\boxed{\\frac{1}{2}}."
    assert example_of(of(text)).answer.text == "So it is \\boxed{\\frac{1}{2}}."
    boxed = of(text, BOX)
    assert example_of(boxed).answer.text == "\\frac{1}{2}"
    assert text[example_of(boxed).answer.start : example_of(boxed).answer.end] == "\\frac{1}{2}"
    assert [(r.rule, r.before) for r in boxed.rewrites] == [
        ("answer-from-box", "So it is \\boxed{\\frac{1}{2}}.")
    ]


def test_without_a_box_the_rule_quarantines():
    assert of("<think>a</think>seven", BOX).reason == "boxed answer missing"


def test_an_unknown_rule_is_refused_by_name():
    with pytest.raises(UserError, match="no rule guess; the rules are answer-from-box, first"):
        of("<think>a</think>7", frozenset({"guess"}))


def test_rewrites_of_the_prompt_are_kept_with_what_stood_there():
    prompt = "Return your final response within \\boxed{}. How many?"
    result = of("<think>a</think>\\boxed{7}", prompt=prompt)
    assert example_of(result).prompt == "How many?"
    [rewrite] = result.rewrites
    assert prompt[rewrite.start : rewrite.end] == rewrite.before
    assert prompt.replace(rewrite.before, rewrite.after) == "How many?"


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "a", "completion": None},
        {"prompt": 3, "completion": "x"},
        {},
    ],
)
def test_a_row_of_another_shape_is_quarantined_and_not_lost(row):
    result = convert(row, "completion")
    assert (result.outcome, result.reason) == ("quarantined", "wrong shape")


@pytest.mark.parametrize("rules", [frozenset(), BOX], ids=["as is", "answer-from-box"])
def test_a_gsm8k_row_is_cut_at_its_own_separator(rules):
    result = convert(
        {"question": "Q?", "answer": "2 + 2 = <<2+2=4>>4\n#### 1,004"}, "gsm8k", rules=rules
    )
    assert (example_of(result).reasoning.text, example_of(result).answer.text) == (
        "2 + 2 = <<2+2=4>>4",
        "1,004",
    )


@settings(max_examples=400, deadline=None)
@given(
    some.lists(some.sampled_from(PIECES), max_size=25).map("".join),
    some.sets(some.sampled_from(sorted(RULES))),
)
def test_of_random_pieces_nothing_is_invented_and_nothing_is_lost(text, rules):
    row = {"prompt": "How many?", "completion": text}
    assert faults(row, convert(row, "completion", rules=frozenset(rules))) == []


@settings(max_examples=200, deadline=None)
@given(ROWS, some.sets(some.sampled_from(sorted(RULES))))
def test_of_rows_that_are_nearly_whole_nothing_is_invented_and_nothing_is_lost(row, rules):
    assert faults(row, convert(stratos(row), "stratos", rules=frozenset(rules))) == []


def test_the_account_notices_what_a_conversion_leaves_out():
    text = "Sure! <think>a</think>7"
    result = of(text)
    assert lost(text, result) == []
    assert lost(text, replace(result, defects=())) == ["Sure! "]


@pytest.mark.parametrize(
    "text",
    [
        "<" * 2_000_000,
        "<think>" * 140_000,
        "`<think>" * 120_000,
        "\\boxed{" * 140_000,
        "<think>a</think>" + "\\boxed{" * 100_000 + "7" + "}" * 100_000 + "<think>",
        "<think>a</think>" + "<answer>7</answer>" * 60_000,
        "```\n" * 250_000,
        "<think>" + " " * 3_000_000,
    ],
    ids=["angles", "openers", "ticks", "boxes", "nested", "answers", "fences", "spaces"],
)
def test_hostile_text_is_quarantined_and_not_choked_on(text):
    assert of(text, BOX).outcome == "quarantined"


HOSTILE = {
    "angles": "<",
    "openers": "<think>",
    "ticks": "`<think>",
    "misspelt": "<think |",
    "escapes": "&#0000",
    "boxes": "\\boxed{",
    "final": "final answer: 1,",
    "quotes": '"<answer>"',
    "spaces": " ",
    "lines": "a\n",
    "letters": "x",
}


@pytest.mark.parametrize("unit", HOSTILE.values(), ids=list(HOSTILE))
def test_a_text_of_eight_times_the_length_takes_about_eight_times_as_long(unit):
    def seconds(length: int) -> float:
        text = f"<think>{unit * (length // len(unit))}</think>{unit * (length // len(unit))}"
        begin = time.process_time()
        of(text, BOX)
        return time.process_time() - begin

    # a quadratic way would take 64 times as long; one of three times may be disturbed
    limit = 24 * max(min(seconds(20_000) for _ in range(3)), 0.001)
    assert any(seconds(160_000) < limit for _ in range(3))


def test_real_sky_t1_generations_fall_into_the_known_patterns():
    path = SHARED / "skyt1_27b_math500.jsonl"
    if not path.exists():
        pytest.skip("real Sky-T1 generations are not beside this checkout")
    result = []
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        result.append(of(row["code"][0], prompt=row["question"]))
    patterns = {}
    for one in result:
        patterns[one.pattern] = patterns.get(one.pattern, 0) + 1
    assert patterns == {"1111": 178, "1110": 16, "1000": 94, "0000": 210, "0100": 1, "0111": 1}
    assert [one.pattern for one in result if one.example] == ["1111"] * 178


def test_real_stratos_rows_convert_though_their_system_prompt_quotes_all_markers():
    path = SHARED / "stratos_rows_quoted.jsonl"
    if not path.exists():
        pytest.skip("real Stratos rows are not beside this checkout")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [convert(row, "stratos").outcome for row in rows] == ["example", "example"]
