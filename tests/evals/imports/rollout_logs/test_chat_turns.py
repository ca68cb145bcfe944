"""Markers of chat templates are stripped by dialect; a text without any stays as it is."""

import pytest

from evals.imports.rollout_logs.chat_turns import (
    last_user_turn,
    prompt_and_completion,
    without_end_markers,
)

PROMPTS = {
    "gemma": "<bos><start_of_turn>user\nWhat is 1+1?<end_of_turn>\n<start_of_turn>model\n",
    "chatml": "<|im_start|>system\nThink.<|im_end|>\n<|im_start|>user\nWhat is 1+1?<|im_end|>\n"
    "<|im_start|>assistant\n<think>\n",
    "llama-3": "<|start_header_id|>user<|end_header_id|>\n\nWhat is 1+1?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n",
    "deepseek": "<\uff5cUser\uff5c>What is 1+1?<\uff5cAssistant\uff5c><think>\n",
    "phi": "<|user|>\nWhat is 1+1?<|end|>\n<|assistant|>\n",
    "mistral": "<s>[INST] What is 1+1? [/INST]",
    "gemma, stripped": "user\nWhat is 1+1?\nmodel\n",
    "chatml, stripped": "system\nThink.\nuser\nWhat is 1+1?\nassistant\n<think>\n",
    "llama-3, stripped": "system\n\nThink.user\n\nWhat is 1+1?assistant\n\n",
}


@pytest.mark.parametrize("dialect", PROMPTS)
def test_the_last_turn_of_the_user_is_the_question(dialect):
    assert last_user_turn(PROMPTS[dialect]) == ("What is 1+1?", dialect)


def test_of_several_turns_the_last_one_counts():
    prompt = "user\nFirst?\nassistant\nYes.\nuser\nSecond?\nassistant\n"
    assert last_user_turn(prompt) == ("Second?", "chatml, stripped")


@pytest.mark.parametrize("text", ["What is 1+1?", "The user\nassistant", "a model\nof 3"])
def test_a_text_without_markers_stays(text):
    assert last_user_turn(text) == (text, None)


def test_end_markers_go_and_nothing_else():
    assert without_end_markers("7<|im_end|>\n<|endoftext|>") == "7"
    assert without_end_markers("7 \n") == "7 \n"
    assert without_end_markers("<eos> is a token") == "<eos> is a token"


def test_a_conversation_is_divided_before_its_last_answer():
    text = "user\nQ?\nmodel\nA."
    assert prompt_and_completion(text) == ("user\nQ?\nmodel\n", "A.")
    assert prompt_and_completion("no markers") is None
