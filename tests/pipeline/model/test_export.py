"""The exported folder in another implementation: transformers on torch, greedy, token by token."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from data.errors import UserError
from data.sources.samples import word_problems
from pipeline.generate import Sampling, completer, greedy_texts
from pipeline.model import ExportDiffers, export_folder, gemma3
from pipeline.model.tokenizer import Tokenizer, prompt_text

TOKENS = 48


@pytest.fixture(scope="module")
def tiny():
    return gemma3.load("tiny")


@pytest.fixture(scope="module")
def prompts(tiny):
    tokenizer = Tokenizer(tiny.folder)
    return [
        prompt_text(tokenizer, problem.question) for problem in word_problems.problems(8, 5, "test")
    ]


@pytest.fixture(scope="module")
def exported(tiny, prompts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "model"
    return export_folder(tiny, folder, prompts, greedy_texts)


def test_an_export_says_what_was_written_and_how_many_prompts_agree(exported, tiny):
    assert exported["parameters"] == gemma3.parameters(tiny.model)
    assert exported["prompts_compared"] == 8
    assert len(exported["sha256"]) == 64


def test_an_export_has_what_the_converter_of_llama_cpp_reads(tiny, tmp_path):
    base = shutil.copytree(tiny.folder, tmp_path / "base")
    (base / "tokenizer.model").write_bytes(b"pieces")
    folder = gemma3.save(tiny.model, base, tmp_path / "saved")
    assert (folder / "tokenizer.model").read_bytes() == b"pieces"
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["Gemma3ForCausalLM"]
    assert config["sliding_window"] > 0
    assert {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"} <= {
        path.name for path in folder.iterdir()
    }


def test_an_export_over_a_folder_that_exists_is_refused(exported, tiny, prompts):
    with pytest.raises(UserError, match="exists already"):
        export_folder(tiny, Path(exported["path"]), prompts, greedy_texts)


def test_an_export_whose_texts_differ_is_refused(tiny, prompts, tmp_path, monkeypatch):
    def damaged(model):
        weights = plain(model)
        weights["model.norm.weight"] = weights["model.norm.weight"] * 0 - 1
        return weights

    plain = gemma3.hugging_face_weights
    monkeypatch.setattr(gemma3, "hugging_face_weights", damaged)
    with pytest.raises(ExportDiffers, match="greedy completions differ"):
        export_folder(tiny, tmp_path / "damaged", prompts, greedy_texts)


def test_transformers_generates_the_same_tokens_from_the_export(exported, tiny, prompts):
    torch = pytest.importorskip(
        "torch", reason="torch is not installed: pip install -r requirements-parity.txt"
    )
    from transformers import AutoModelForCausalLM, AutoTokenizer

    theirs: Any = AutoModelForCausalLM.from_pretrained(exported["path"], dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(exported["path"])
    ours = Tokenizer(tiny.folder)
    longest = max(len(ours.encode(prompt)) for prompt in prompts)
    sampling = Sampling(max_prompt_tokens=longest, max_tokens=TOKENS)
    completions = completer(tiny.model, ours, sampling, slots=len(prompts))(prompts, 0)
    for prompt, completion in zip(prompts, completions, strict=True):
        ids = tokenizer(prompt, add_special_tokens=False, return_tensors="pt")
        with torch.no_grad():
            written = theirs.generate(
                **ids, max_new_tokens=TOKENS, do_sample=False, eos_token_id=ours.stop_ids()
            )
        assert written[0, ids["input_ids"].shape[1] :].tolist() == completion.ids.tolist()


def test_greedy_texts_are_the_same_at_each_call(tiny, prompts):
    assert greedy_texts(tiny, prompts) == greedy_texts(tiny, prompts)
