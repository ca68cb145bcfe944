"""Prompts and training examples as token ids."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoTokenizer

from data.response_format import INSTRUCTION
from pipeline.batches.examples import Example
from pipeline.batches.sft import sft_batches, tokenize_examples
from pipeline.config import SftConfig
from pipeline.model import TINY, gemma3, has_chat_template
from pipeline.model.tokenizer import Tokenizer, example_tokens, padded, prompt_text
from workbench.cli.commands.training.job import require_model


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(TINY)


def test_a_prompt_begins_once_and_ends_open(tokenizer):
    ids = tokenizer.encode(prompt_text(tokenizer, "How many?"))
    assert ids.count(tokenizer.bos_id()) == 1
    assert ids[0] == tokenizer.bos_id()
    assert tokenizer.eos_id() not in ids


def test_a_tokenizer_that_begins_every_text_with_bos_does_not_begin_prompts_twice(tmp_path):
    folder = shutil.copytree(TINY, tmp_path / "model")
    config = json.loads((folder / "tokenizer.json").read_text())
    bos, text = (
        {"SpecialToken": {"id": "<bos>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    )
    config["post_processor"] = {
        "type": "TemplateProcessing",  # as Gemma's own tokenizer has it
        "single": [bos, text],
        "pair": [bos, text],
        "special_tokens": {"<bos>": {"id": "<bos>", "ids": [2], "tokens": ["<bos>"]}},
    }
    (folder / "tokenizer.json").write_text(json.dumps(config))
    tokenizer = Tokenizer(folder)
    assert tokenizer.hf.encode("a")[0] == tokenizer.bos_id(), "it must add <bos> to every text"
    ids = tokenizer.encode(prompt_text(tokenizer, "How many?"))
    assert ids.count(tokenizer.bos_id()) == 1


def test_turns_survive_and_the_instruction_is_in_the_users_turn(tokenizer):
    text = prompt_text(tokenizer, "How many?")
    assert text == (
        f"<bos><start_of_turn>user\n{INSTRUCTION}\n\nHow many?<end_of_turn>\n<start_of_turn>model\n"
    )
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize(
    "text", ["naïve café ≠ 漢字 🙂", "a\n\n  b\t", "12,345.67", "<reasoning>x"]
)
def test_text_survives_the_tokenizer_unchanged(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text)) == text


def test_digits_are_single_tokens(tokenizer):
    assert len(tokenizer.encode("90210")) == 5


def test_the_completion_is_what_follows_the_prompt_and_its_stop_token(tokenizer):
    tokens = example_tokens(tokenizer, "How many?", "1 + 1 = 2", "2")
    written = tokens.ids[tokens.completion]
    assert written[-1] == tokenizer.turn_end()
    assert tokenizer.decode(written[:-1]) == "<reasoning>1 + 1 = 2</reasoning>\n<answer>2</answer>"
    assert tokenizer.decode(tokens.ids[~tokens.completion]) == prompt_text(tokenizer, "How many?")


def test_examples_over_the_limit_are_listed_and_never_truncated(tokenizer):
    examples = [Example("short", "a?", "b", "1"), Example("long", "a?", "b " * 900, "1")]
    rows, too_long = tokenize_examples(examples, tokenizer, 512)
    assert (len(rows), too_long) == (1, ["long"])


def test_padding_is_not_part_of_the_completion(tokenizer):
    row = example_tokens(tokenizer, "a?", "b", "1")
    batch = padded([row], len(row.ids) + 5, tokenizer.pad_id())
    assert batch["ids"][0, -5:].tolist() == [tokenizer.pad_id()] * 5
    assert not batch["completion"][0, -5:].any()


def batch(rows, step: int, seed: int = 0) -> np.ndarray:
    step_batch = sft_batches(rows, SftConfig(batch=4, seed=seed), 0)[step]
    assert step_batch is not None
    return step_batch["ids"]


def test_batches_are_a_pure_function_of_seed_and_step(tokenizer):
    rows = [example_tokens(tokenizer, f"{n}?", "b", str(n)) for n in range(10)]
    first, again, other = (batch(rows, 7, seed) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_one_epoch_contains_each_example_once(tokenizer):
    rows = [example_tokens(tokenizer, f"{n}?", "b", str(n)) for n in range(8)]
    shown = np.concatenate([batch(rows, 0), batch(rows, 1)])
    assert len({tuple(row) for row in shown.tolist()}) == 8


@pytest.fixture
def base_model(tmp_path):
    """The bundled model without chat template, as base models are published."""
    folder = Path(shutil.copytree(TINY, tmp_path / "model"))
    (folder / "chat_template.jinja").unlink()
    return folder


def test_a_base_model_gets_gemmas_turns(tokenizer, base_model):
    assert prompt_text(Tokenizer(base_model), "1 + 1?") == prompt_text(tokenizer, "1 + 1?")


def test_what_is_saved_of_a_base_model_has_the_turns_that_it_was_trained_with(base_model, tmp_path):
    loaded = gemma3.load(str(base_model))
    folder = gemma3.save(loaded.model, base_model, tmp_path / "saved")
    assert has_chat_template(folder)
    assert not has_chat_template(base_model)
    theirs = AutoTokenizer.from_pretrained(folder)
    turn = [{"role": "user", "content": "hi"}]
    text = theirs.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    assert text == "<bos><start_of_turn>user\nhi<end_of_turn>\n<start_of_turn>model\n"


@pytest.mark.parametrize("name", ["chat_template.jinja", "chat_template.json"])
def test_a_template_beside_the_tokenizer_is_seen(base_model, name):
    (base_model / name).write_text("{}")
    assert has_chat_template(base_model)


def test_a_template_in_the_tokenizers_config_is_seen(base_model):
    path = base_model / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": "{{ x }}"}))
    assert has_chat_template(base_model)


def test_a_command_says_that_a_base_model_gets_gemmas_turns(base_model, capsys):
    require_model(str(base_model))
    assert "has no chat template" in capsys.readouterr().err
    require_model("tiny")
    assert capsys.readouterr().err == ""
