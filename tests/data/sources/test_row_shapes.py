"""Row shapes: the texts of a row, however data sets write turns, contents and thoughts."""

import csv
import json

import pytest

from data.conversion.convert import convert
from data.conversion.rows.convert_file import convert_file
from data.sources.contents import LONGEST_LITERAL, turns_of
from data.sources.row_shapes import Turns, WrongShape, turns

ASKED = {"role": "user", "content": "2+3?"}
THOUGHT = "Two and three make five."
COMPOSED = f"<think>\n{THOUGHT}\n</think>\n\n5"


def chat(**answer) -> dict:
    return {"messages": [ASKED, {"role": "assistant", **answer}]}


@pytest.mark.parametrize(
    "answer",
    [
        {"content": "5", "reasoning_content": THOUGHT},
        {"content": "5", "reasoning": THOUGHT},
        {"content": "5", "thinking": f"\n{THOUGHT}\n"},
        {"content": "5", "reasoning_content": None, "thinking": THOUGHT},
        {"content": "5", "reasoning_content": f"<think>\n{THOUGHT}\n</think>"},
        {"content": "5", "reasoning_content": f"{THOUGHT}</think>"},
        {"content": "5", "reasoning_details": [{"type": "reasoning.text", "text": THOUGHT}]},
        {"content": [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": "5"}]},
        {"content": [{"type": "reasoning", "text": THOUGHT}, {"type": "output_text", "text": "5"}]},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": THOUGHT}]},
                {"type": "text", "text": "5"},
            ]
        },
    ],
)
def test_a_thought_in_a_field_or_part_of_its_own_is_the_reasoning(answer):
    assert turns("messages", chat(**answer)) == Turns("", "2+3?", COMPOSED)
    example = convert(chat(**answer), "messages").example
    assert example
    assert (example.reasoning.text, example.answer.text) == (THOUGHT, "5")


@pytest.mark.parametrize("content", [None, "", []])
def test_a_thought_without_an_answer_is_quarantined_for_that(content):
    result = convert(chat(content=content, reasoning_content=THOUGHT), "messages")
    assert result.reason == "no answer"
    result = convert({"messages": [ASKED, {"role": "assistant", "thinking": THOUGHT}]}, "messages")
    assert result.reason == "no answer"


@pytest.mark.parametrize(
    "content",
    [f"<think>{THOUGHT}</think>5", f"[THINK]{THOUGHT}[/THINK]5", f"{THOUGHT}</think>5"],
)
def test_the_thought_of_the_content_counts_where_there_is_one(content):
    assert turns("messages", chat(content=content, reasoning="another")).completion == content


@pytest.mark.parametrize("field", [{}, {"reasoning": ""}, {"thinking": None}, {"thoughts": 3}])
def test_a_content_without_any_thought_stays_as_it_is(field):
    assert turns("messages", chat(content="5", **field)).completion == "5"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "5"}], "5"),
        (["4", "5"], "4\n5"),
        ([{"text": "5"}], "5"),
        ([{"type": "text", "text": "4"}, {"type": "output_text", "text": "5"}], "4\n5"),
        ([{"type": "input_text", "content": "5"}], "5"),
    ],
)
def test_the_texts_of_the_parts_are_the_content(content, text):
    assert turns("messages", chat(content=content)).completion == text
    row = {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": ""}]}
    assert turns("messages", row).prompt == text


@pytest.mark.parametrize(
    "content",
    [
        [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "text", "text": "5"}],
        [{"type": "tool_use", "name": "add", "input": {}}],
        [{"type": "text", "text": 5}],
        [5],
        {"text": "5"},
        5,
        None,
    ],
)
def test_a_content_that_is_not_all_text_is_of_the_wrong_shape(content):
    with pytest.raises(WrongShape):
        turns("messages", chat(content=content))


PAIR = [ASKED, {"role": "assistant", "content": COMPOSED}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(PAIR),
        f"  {json.dumps(PAIR, indent=1)}\n",
        repr(PAIR),  # as pandas writes a column of lists to csv
        json.dumps([{"from": "human", "value": "2+3?"}, {"from": "gpt", "value": COMPOSED}]),
        json.dumps([{"role": "user", "value": "2+3?"}, {"role": "assistant", "value": COMPOSED}]),
    ],
)
def test_turns_may_be_written_as_json_or_as_python_prints_them(text):
    for shape, column in (("messages", "messages"), ("stratos", "conversations")):
        assert turns(shape, {column: text}) == Turns("", "2+3?", COMPOSED)


@pytest.mark.parametrize(
    "text",
    [
        "", "[", "hello", "3", "null", '{"role": "user"}', "[1, 2]", "[__import__('os')]",
        "[" * 9_999, json.dumps(PAIR).replace("2+3?", "\\ud800"), "['a' 3]",
        "[" + "1," * LONGEST_LITERAL + "x]",
    ],
)  # fmt: skip
def test_a_text_that_is_no_turns_is_of_the_wrong_shape_and_no_bug(text):
    assert convert({"messages": text}, "messages").reason == "wrong shape"


def test_turns_come_from_a_csv(tmp_path):
    path = tmp_path / "rows.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["messages"], [json.dumps(PAIR)], [repr(PAIR)]])
    assert convert_file(path, "messages")["converted"] == 2


@pytest.mark.parametrize("system", [{}, {"system": ""}, {"system": None}])
def test_conversations_need_no_system(system, tmp_path):
    row = {
        "conversations": [{"from": "human", "value": "2+3?"}, {"from": "gpt", "value": COMPOSED}]
    }
    assert turns("stratos", row | system) == Turns("", "2+3?", COMPOSED)
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(f"{json.dumps(r)}\n" for r in (row | system, row | {"system": "Hm."})))
    assert convert_file(path, "stratos")["converted"] == 2


@pytest.mark.parametrize(
    "columns",
    [
        {"reasoning": THOUGHT},
        {"thinking": THOUGHT},
        {"thinking_trajectory": THOUGHT},
        {"thinking_trajectories": [THOUGHT]},
        {"chain_of_thought": THOUGHT},
        {"reasoning_content": f"<think>{THOUGHT}</think>"},
    ],
)
def test_a_thought_in_a_column_of_its_own_is_the_reasoning(columns):
    example = convert({"prompt": "2+3?", "completion": "5", **columns}, "completion").example
    assert example
    assert (example.reasoning.text, example.answer.text) == (THOUGHT, "5")


def test_one_can_say_which_column_is_the_thought(say, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"q": "2+3?", "why": [THOUGHT], "a": "5"}) + "\n")
    columns = ("--column", "prompt=q", "--column", "completion=a")
    command = ("convert", path, "--shape", "completion", *columns)
    assert json.loads(say(*command, "--json")[1])["by_defect"] == {"no thinking": 1}
    counts = json.loads(say(*command, "--column", "reasoning=why[0]", "--json")[1])
    assert counts["converted"] == 1


MORE = [*PAIR, {"role": "user", "content": "And 3+3?"}, {"role": "assistant", "content": "6"}]


@pytest.mark.parametrize(
    "messages",
    [
        MORE,
        MORE[:3],
        [{"role": "system", "content": "Add."}, *MORE],
        [*PAIR, {"role": "tool", "content": "x"}, *MORE[2:]],
    ],
)
def test_of_several_turns_the_rule_takes_the_first_question_and_its_answer(messages):
    row = {"messages": messages}
    assert convert(row, "messages").reason == "more than one turn"
    result = convert(row, "messages", rules=frozenset({"first-exchange"}))
    assert result.example
    assert result.example.answer.text == "5"
    assert [defect.phrase for defect in result.defects] == ["later turns left out"]


@pytest.mark.parametrize("roles", ["uua", "aua", "uta", "uat", "u", "a", "", "uu", "us", "tua"])
def test_other_orders_of_turns_are_quarantined_with_and_without_the_rule(roles):
    names = {"u": "user", "a": "assistant", "t": "tool", "s": "system"}
    row = {"messages": [{"role": names.get(r, "x"), "content": COMPOSED} for r in roles]}
    for rules in (frozenset(), frozenset({"first-exchange"})):
        takes = roles.startswith("ua") and rules
        assert (convert(row, "messages", rules=rules).outcome == "example") == bool(takes)


def test_one_exchange_is_the_same_with_the_rule():
    row = {"messages": PAIR}
    assert convert(row, "messages") == convert(row, "messages", rules=frozenset({"first-exchange"}))


def test_turns_keep_their_other_fields():
    [turn] = turns_of({"t": [{"from": "gpt", "value": "5", "thinking": "x"}]}, "t")
    assert (turn["role"], turn["content"], turn["thinking"]) == ("gpt", "5", "x")
