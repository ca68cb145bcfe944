"""The pretrained Gemma 3 270M beside transformers: tokens, loss, export, and a job in bfloat16.

Its folder (config.json, tokenizer, model.safetensors) is named by THINKBENCH_GEMMA_270M. Two cores
take three minutes.
"""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from data.sources.samples import word_problems
from data.store import ask, open_store
from pipeline.generate import Sampling, completer
from pipeline.loss import sft_loss
from pipeline.model import gemma3
from pipeline.model.tokenizer import Tokenizer, example_tokens, padded
from tests import ROOT

FOLDER = os.environ.get("THINKBENCH_GEMMA_270M", "")
GSM8K = ROOT.parent / "shared" / "data" / "gsm8k" / "main_test.csv"
TOKENS = 32
NO_TORCH = "torch is not installed: pip install -r requirements-parity.txt"

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="no real Gemma: name its folder in THINKBENCH_GEMMA_270M"
)


@pytest.fixture(scope="module")
def ours():
    return gemma3.load(FOLDER)


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer(Path(FOLDER))


@cache
def theirs(folder: str) -> Any:
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


def greedy(model: Any, ids: list[int], stops: list[int]) -> list[int]:
    """What transformers writes after `ids`."""
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    with torch.no_grad():
        written = model.generate(
            torch.tensor([ids]), max_new_tokens=TOKENS, do_sample=False, eos_token_id=stops
        )
    return written[0, len(ids) :].tolist()


def solved(tokens: int, tokenizer: Tokenizer) -> str:
    """Solved problems, as many as `tokens` hold, and a question."""
    problems = word_problems.problems(100, 3, "train")
    text = "<bos>"
    for problem in problems:
        more = f"Question: {problem.question}\nAnswer: {word_problems.terse(problem)}\n\n"
        if len(tokenizer.encode(text + more)) > tokens:
            return f"{text}Question: {problem.question}\nAnswer:"
        text += more
    raise AssertionError("too few problems")


# the window of its local layers is 512 tokens: the second prompt is longer
@pytest.mark.parametrize("tokens", [100, 700])
def test_it_writes_the_tokens_that_transformers_writes(ours, tokenizer, tokens):
    prompts = [solved(tokens - 60, tokenizer), solved(tokens, tokenizer)]
    longest = max(len(tokenizer.encode(prompt)) for prompt in prompts)
    assert longest > 0.8 * tokens
    sampling = Sampling(max_prompt_tokens=longest, max_tokens=TOKENS)
    completions = completer(ours.model, tokenizer, sampling, slots=2)(prompts, 0)
    for prompt, completion in zip(prompts, completions, strict=True):
        expected = greedy(theirs(FOLDER), tokenizer.encode(prompt), tokenizer.stop_ids())
        assert completion.ids.tolist() == expected


def test_the_loss_of_sft_is_that_of_transformers(ours, tokenizer):
    torch = pytest.importorskip("torch", reason=NO_TORCH)
    problems = word_problems.problems(4, 7, "train")
    rows = [
        example_tokens(tokenizer, problem.question, word_problems.terse(problem), problem.gold)
        for problem in problems
    ]
    batch = padded(rows, 256, tokenizer.pad_id())
    segments = np.array([[int(n < len(row.ids)) for n in range(256)] for row in rows])
    arrays = [jnp.asarray(a) for a in (batch["ids"], batch["completion"], segments)]
    loss = float(sft_loss(ours.model, *arrays))
    labels = np.where(batch["completion"], batch["ids"], -100)
    with torch.no_grad():
        output = theirs(FOLDER)(
            input_ids=torch.tensor(batch["ids"], dtype=torch.long),
            attention_mask=torch.tensor(segments),
            labels=torch.tensor(labels, dtype=torch.long),
        )
    assert loss == pytest.approx(float(output.loss), rel=1e-4)


def test_an_export_is_read_by_transformers_and_by_us(ours, tokenizer, tmp_path):
    folder = gemma3.save(ours.model, ours.folder, tmp_path / "saved")
    again = gemma3.hugging_face_weights(gemma3.load(str(folder)).model)
    for name, weight in gemma3.hugging_face_weights(ours.model).items():
        assert np.array_equal(weight, again[name]), name
    ids = tokenizer.encode(solved(100, tokenizer))
    stops = tokenizer.stop_ids()
    assert greedy(theirs(str(folder)), ids, stops) == greedy(theirs(FOLDER), ids, stops)


@pytest.mark.skipif(not GSM8K.exists(), reason="no GSM8K beside the project")
def test_real_problems_survive_as_tokens(tokenizer):
    import polars as pl

    rows = pl.read_csv(GSM8K)
    texts = [*rows["question"].to_list(), *rows["answer"].to_list()]
    changed = [text for text in texts if tokenizer.decode(tokenizer.encode(text)) != text]
    assert (len(texts), changed) == (2638, [])


def test_it_trains_and_answers_in_bfloat16(say, tmp_path):
    names = ("model.dtype=bfloat16", "model.chip=cpu", "eval.max_tokens=4", "eval.batch=2")
    half = [word for name in names for word in ("--set", name)]
    knobs = ("--steps", "2", "--batch", "1", "--max-tokens", "160", "--lora-rank", "4")
    code, output, errors = say("sft", "--model", FOLDER, *half, *knobs, "--json")
    assert code == 0, errors
    run = json.loads(output.splitlines()[-1])["run"]
    code, output, errors = say("eval", "--model", run, *half, "--limit", "2", "--json")
    assert code == 0, errors
    store = open_store(tmp_path / "store")
    losses = ask(
        store, "select value from metrics where name = 'sft/train/loss' and run = $run", run=run
    )
    assert losses.height == 2
    assert losses["value"].is_finite().all()
    assert ask(store, "select count(*) from generations").item() == 2
