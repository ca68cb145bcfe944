"""Prompts without the tokens of chat templates, and tags of thought and answer in other forms."""

import pytest

from data.conversion.convert import convert
from tests.support.accounts import faults

COMPLETION = "<think>Two and three.</think>5"


def of(prompt: str = "2+3?", completion: str = COMPLETION):
    row = {"prompt": prompt, "completion": completion}
    result = convert(row, "completion")
    assert faults(row, result) == []
    return result


def phrases(result) -> set[str]:
    return {defect.phrase for defect in result.defects}


@pytest.mark.parametrize(
    "prompt",
    [
        "<bos><start_of_turn>user\n2+3?<end_of_turn>\n<start_of_turn>model\n",
        "<start_of_turn>user\n2+3?",
        "<|im_start|>user\n2+3?<|im_end|>\n<|im_start|>assistant\n",
        "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n2+3?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n",
        "<s>[INST] 2+3? [/INST]",
        "[INST]2+3?[/INST]</s>",
        "<\uff5cbegin▁of▁sentence\uff5c><\uff5cUser\uff5c>2+3?<\uff5cAssistant\uff5c>",
        "<\uff5cUser\uff5c>2+3?<\uff5cAssistant\uff5c><think>\n",
        "<|user|>\n2+3?<|end|>\n<|assistant|>\n",
        "2+3?<|im_end|>",
        "<bos>2+3?<eos>",
        "<|im_start|>user\nReturn your final response within \\boxed{}. 2+3?<|im_end|>\n",
    ],
)
def test_the_template_around_a_prompt_is_removed_and_the_removal_recorded(prompt):
    result = of(prompt)
    assert result.example, result.defects
    assert result.example.prompt == "2+3?"
    assert "chat template around the prompt" in phrases(result)
    assert {r.rule for r in result.rewrites} >= {"drop-template"}


@pytest.mark.parametrize(
    "prompt",
    [
        "<|im_start|>user\n1+1?<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n2+3?",
        "<|im_start|>system\nAdd.<|im_end|>\n<|im_start|>user\n2+3?<|im_end|>",
        "[INST] <<SYS>>\nAdd.\n<</SYS>>\n\n2+3? [/INST]",
        "One<end_of_turn>two",
        "2+3?<eos>.",
    ],
)
def test_tokens_within_a_prompt_quarantine_it(prompt):
    assert of(prompt).reason == "leaked chat-template tokens"


@pytest.mark.parametrize(
    "prompt",
    ["What does `<|im_end|>` do?", 'What is "<bos>" for?', "Is the token <eos> the last one?"],
)
def test_tokens_that_a_prompt_asks_about_are_reported_and_stay(prompt):
    result = of(prompt)
    assert result.example
    assert (result.example.prompt, phrases(result)) == (prompt, {"marker quoted in the text"})


@pytest.mark.parametrize(
    "prompt", ["<s>old</s> new?", "Sort [3, 1].", "a < b <c> [INS]", "  2+3?\n"]
)
def test_other_brackets_in_a_prompt_are_no_template(prompt):
    result = of(prompt)
    assert result.example
    assert (result.example.prompt, phrases(result)) == (prompt.strip(), set())


def test_tokens_in_a_system_prompt_quarantine_the_row():
    row = {"system": "Add.<|im_end|>", "conversations": [
        {"from": "human", "value": "2+3?"}, {"from": "gpt", "value": COMPLETION},
    ]}  # fmt: skip
    assert convert(row, "stratos").reason == "leaked chat-template tokens"


@pytest.mark.parametrize(
    "text",
    [
        '<think time="3">Two and three.</think>5',
        "<think reason='slow' n=4>Two and three.</think>5",
        "<thinking reason=adding>Two and three.</thinking>5",
        '<think\n  data-x="1 > 0">Two and three.</think>5'.replace(" > ", " "),
        "<mm:think>Two and three.</mm:think>5",
        "<thinking>Two and three.</thinking>5",
        '<ns.a-b:thought id="1">Two and three.</ns.a-b:thought>5',
        '<reasoning lang="en">Two and three.</reasoning><answer>5</answer>',
        "<mm:think>Two and three.</think>5",
    ],
)
def test_a_tag_of_a_thought_with_attributes_or_a_namespace_is_the_tag(text):
    result = of(completion=text)
    assert result.example, result.defects
    assert (result.example.reasoning.text, result.example.answer.text) == ("Two and three.", "5")
    assert phrases(result) == set()


@pytest.mark.parametrize(
    "text",
    [
        "<think about it>Two and three.</think>5",
        "<mm:THINK>Two and three.</mm:THINK>5",
        '<Think time="3">Two and three.</Think>5',
        '<think time="3>Two and three.</think>5',
    ],
)
def test_a_tag_that_is_only_like_one_is_reported(text):
    assert "marker misspelt" in phrases(of(completion=text))


@pytest.mark.parametrize("tag", ["response", "final", "final_answer", "solution", "FINAL-ANSWER"])
def test_tags_around_the_answer_that_no_dialect_has_are_left_out_and_reported(tag):
    result = of(completion=f"<think>Two and three.</think>\n<{tag}>\n5\n</{tag}>\n")
    assert result.example
    assert result.example.answer.text == "5"
    assert "answer in tags of no dialect" in phrases(result)


@pytest.mark.parametrize("answer", ["<response>5", "So <response>5</response>", "5</final>"])
def test_such_tags_within_an_answer_are_reported_and_stay(answer):
    result = of(completion=f"<think>Two and three.</think>{answer}")
    assert result.example
    assert (result.example.answer.text, phrases(result)) == (
        answer,
        {"answer in tags of no dialect"},
    )


@pytest.mark.parametrize("answer", ["<p>5</p>", "<b>5</b>", "a<response b", "<div>\n5\n</div>"])
def test_tags_that_are_the_answer_stay(answer):
    result = of(completion=f"<think>Two and three.</think>{answer}")
    assert result.example
    assert result.example.answer.text == answer


@pytest.mark.parametrize(
    "opening",
    [
        '<details type="reasoning" done="true">\n<summary>',
        "<details><summary>",
        "\n<DETAILS>\n<summary class='x'>",
    ],
)
def test_a_thought_in_a_details_block_is_named_as_that(opening):
    text = f"{opening}Thought for 4 seconds</summary>\n> Two and three.\n</details>\n5"
    assert of(completion=text).reason == "thought in a details block"


def test_an_empty_thought_before_another_is_left_out():
    for text in (
        "<think></think><think>Two.</think>5",
        "<think>\n\n</think>\n\n<think>Two.</think>5",
    ):
        result = of(completion=text)
        assert result.example, result.defects
        assert result.example.reasoning.text == "Two."
        assert phrases(result) == {"text outside the blocks"}
    assert of(completion="<think>One.</think><think>Two.</think>5").reason == "doubled block"
    assert of(completion="<think></think>5").reason == "no thinking"
