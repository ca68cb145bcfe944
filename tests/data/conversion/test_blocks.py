"""Structure: which text is reasoning, which is answer, and what is only quoted."""

import re

import pytest
from hypothesis import given, settings, strategies as some

from data.conversion.convert import convert
from data.conversion.dialects.markers import FENCE, fence_lines
from data.conversion.dialects.table import BUNDLED, one_of


def of(text: str, prompt: str = "How many?"):
    return convert({"prompt": prompt, "completion": text}, "completion")


def stratos(thought: str, solution: str) -> str:
    return (
        f"<|begin_of_thought|>\n\n{thought}\n\n<|end_of_thought|>\n\n"
        f"<|begin_of_solution|>\n\n{solution}\n\n<|end_of_solution|>"
    )


@pytest.mark.parametrize(
    ("text", "reasoning", "answer"),
    [
        ("<think>I close with `</think>` later.</think>7", "I close with `</think>` later.", "7"),
        ('<think>The tag "</think>" ends it.</think>7', 'The tag "</think>" ends it.', "7"),
        ("<think>I must use <think> tags.</think>7", "I must use <think> tags.", "7"),
        ("<think>a\n~~~\n</think>\n~~~\nb</think>7", "a\n~~~\n</think>\n~~~\nb", "7"),
        ("<think>a</think><answer>7</answer>", "a", "7"),
        ("<think>a</think>**7**", "a", "**7**"),
        ("<think>a</think>Nothing is left", "a", "Nothing is left"),
        ("<think>a</think>The answer is A", "a", "The answer is A"),
        ("<think>a</think>500 dollars", "a", "500 dollars"),
        ("a</thought>7", "a", "7"),
        ("<Thought>a</Thought><Output>7</Output>", "a", "7"),
        ("<reason>a</reason><answer>7</answer>", "a", "7"),
        ("<|im_start|>think\na\n<|im_start|>answer\n7<|im_end|>", "a", "7"),
        ("<|im_start|>think\na\n<|im_start|>answer\n7", "a", "7"),
        (
            "<|channel|>analysis<|message|>a<|end|><|start|>assistant"
            "<|channel|>final<|message|>7<|return|>",
            "a",
            "7",
        ),
        ("<|START_THINKING|>a<|END_THINKING|><|START_RESPONSE|>7<|END_RESPONSE|>", "a", "7"),
        ("Here is my thought process:\na\nHere is my response:\n7", "a", "7"),
        (stratos("so \\boxed{\\dfrac12}", "\\boxed{\\frac12}"), "so \\boxed{\\dfrac12}", None),
        (stratos("plan", "```python\nprint('<think>')\n```"), "plan", None),
    ],
)
def test_a_whole_text_converts_to_its_two_blocks(text, reasoning, answer):
    result = of(text)
    assert result.example, result.defects
    assert result.example.reasoning.text == reasoning
    assert answer is None or result.example.answer.text == answer


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<think>so <answer>7</answer></think>", "answer only inside the reasoning"),
        ("<think>a</think><answer>7</answer><answer>8</answer>", "two answers that differ"),
        ("<think>a</think><answer>7</answer><answer>7</answer>", "doubled block"),
        ("<think>a</think>The answer is the", "text cut off"),
        ("<think>a</think>So \\boxed{7", "text cut off"),
        ("<think>a</think>Code:\n```python\nx = 1", "text cut off"),
        ("<think>a</think>Error: timeout", "error text instead of content"),
        ("<think>502 Bad Gateway</think>7", "error text instead of content"),
        ("I'm sorry, but I can't help with that.", "error text instead of content"),
        ("<think>a</think>7<|im_end|>", "leaked chat-template tokens"),
        ("<think>a [/THINK] b</think>7", "residue of old markers"),
        (stratos("I write `<answer>` here", "7"), "markers of the new format inside"),
        (stratos("so \\boxed{5}", "\\boxed{6}"), "two answers that differ"),
        (stratos("No, that is wrong.\n\nIt is right after all.\n\n" * 20, "7"), "repetition loop"),
        (stratos("the the " * 200, "7"), "repetition loop"),
        (stratos("a" * 1000, "7"), "repetition loop"),
    ],
)
def test_damage_is_named(text, reason):
    assert of(text).reason == reason


@pytest.mark.parametrize(
    "text", ["| --- " * 60 + "|", "-" * 900, "0 & 0 & 0 \\\\\n" * 40, "=\n" * 300]
)
def test_formatting_is_no_loop(text):
    assert of(stratos(f"a\n{text}\nb", "7")).outcome == "example"


def test_text_outside_the_blocks_is_left_out_and_said():
    result = of("Sure! <think>a</think><answer>7</answer> Bye.")
    assert result.outcome == "example"
    assert [(d.phrase, d.start, d.end) for d in result.defects] == [
        ("text outside the blocks", 0, 5),
        ("text outside the blocks", 41, 45),
    ]


def test_an_opener_that_the_prompt_ends_with_opens_the_thought():
    result = of("three and four</thinking>7", prompt="How many?\n<thinking>\n")
    assert result.example
    assert (result.example.prompt, result.example.reasoning.text) == (
        "How many?",
        "three and four",
    )
    assert [(r.rule, r.before) for r in result.rewrites] == [("drop-opener", "<thinking>\n")]


def test_a_system_prompt_that_is_not_old_stays_in_front_of_the_prompt():
    messages = [("system", "Be brief."), ("user", "How many?"), ("assistant", "<think>a</think>7")]
    row = {"messages": [{"role": role, "content": text} for role, text in messages]}
    example = convert(row, "messages").example
    assert example
    assert example.prompt == "Be brief.\n\nHow many?"


def test_more_than_one_turn_is_quarantined():
    messages = ["user", "assistant", "user", "assistant"]
    row = {"messages": [{"role": role, "content": "<think>a</think>7"} for role in messages]}
    assert convert(row, "messages").reason == "more than one turn"


def test_two_different_golds_of_a_gsm8k_row_are_an_error():
    row = {"question": "Q?", "answer": "a\n#### 3\nb\n#### 4"}
    assert convert(row, "gsm8k").reason == "two answers that differ"


def test_the_trie_finds_what_a_plain_alternation_finds():
    words = ["<think>", "<thinking>", "<t", "[THINK]", "</think>"]
    text = "a<thinking>b<think></think>[THINK]<tx<<think>"
    plain = re.compile("|".join(re.escape(word) for word in sorted(words, key=len)[::-1]))
    assert re.findall(one_of(words), text) == plain.findall(text)
    assert BUNDLED.any_marker.findall(text) == [
        "<thinking>",
        "<think>",
        "</think>",
        "[THINK]",
        "<think>",
    ]


@settings(max_examples=400, deadline=None)
@given(some.lists(some.sampled_from(["```", "~~~", "`", "~", " ", "\n", "a", "py"])).map("".join))
def test_fences_are_found_where_a_pattern_over_all_lines_finds_them(text):
    assert [m.span() for m in fence_lines(text)] == [m.span() for m in FENCE.finditer(text)]
