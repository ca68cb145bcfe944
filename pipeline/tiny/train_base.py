"""Train the bundled model from scratch: python -m pipeline.tiny.train_base FOLDER

Takes under half an hour on two cores. The model learns to solve word problems in free prose,
without tags, with and without the instruction before the question: careful in a third of the
texts, terse in the others. Its data has no question of the test split. The same seed gives the
same weights on the same machine.
"""

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import optax
from flax import nnx
from safetensors.numpy import save_file
from tunix.models.gemma3.model import Gemma3

from data.response_format import INSTRUCTION
from data.sources.samples import word_problems
from pipeline.generate import Sampling, completer
from pipeline.loss import sft_loss
from pipeline.model import Tokenizer, Tokens, gemma3, padded
from pipeline.tiny import tokenizer as words

CAREFUL = 0.35  # share of texts with every step written out
WITH_INSTRUCTION = 0.5  # share of prompts that begin with the instruction
STEPS_WEIGHTS = (3, 3, 2, 2)  # how often a problem has one, two, three, four steps
BATCH = 64
POOL = 8  # batches drawn at a time and sorted by length, so that little is padding
PEAK = 3e-3

CONFIG = {
    "architectures": ["Gemma3ForCausalLM"],
    "model_type": "gemma3_text",
    "num_hidden_layers": 6,
    "hidden_size": 96,
    "intermediate_size": 288,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "query_pre_attn_scalar": 32,
    "sliding_window": 128,
    "layer_types": ["sliding_attention"] * 5 + ["full_attention"],
    "rope_theta": 1_000_000.0,
    "rope_local_base_freq": 10_000.0,
    "rms_norm_eps": 1e-6,
    "max_position_embeddings": 2_048,
    "hidden_activation": "gelu_pytorch_tanh",
    "tie_word_embeddings": True,
    "attention_bias": False,
    "pad_token_id": 0,
    "eos_token_id": [1, 106],
    "bos_token_id": 2,
    "dtype": "float32",
}


def chat(question: str) -> str:
    return f"<bos><start_of_turn>user\n{question}<end_of_turn>\n<start_of_turn>model\n"


def text(rng: random.Random) -> tuple[str, str]:
    """A prompt and a completion of the train split."""
    while True:
        problem = word_problems.problem(rng, rng.choices((1, 2, 3, 4), STEPS_WEIGHTS)[0])
        if problem.split == "train":
            break
    style = word_problems.careful if rng.random() < CAREFUL else word_problems.terse
    before = f"{INSTRUCTION}\n\n" if rng.random() < WITH_INSTRUCTION else ""
    completion = f"{style(problem)} The answer is {problem.gold}.<end_of_turn>"
    return chat(before + problem.question), completion


def batches(tokenizer: Tokenizer, rng: random.Random) -> Iterator[dict[str, np.ndarray]]:
    """Endless batches, each of texts of similar length."""
    while True:
        rows = []
        for _ in range(BATCH * POOL):
            before, after = (tokenizer.encode(part) for part in text(rng))
            ids = np.array(before + after, dtype=np.int32)
            rows.append(Tokens(ids, np.arange(len(ids)) >= len(before)))
        rows.sort(key=lambda row: len(row.ids))
        pools = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
        rng.shuffle(pools)
        for pool in pools:
            yield padded(pool, -(-len(pool[-1].ids) // 32) * 32, tokenizer.pad_id())


def initialise(model: Gemma3, seed: int) -> None:
    """Scale every matrix so that activations stay near 1; Tunix initialises MLP kernels to zero."""
    key = jax.random.key(seed)
    for path, weight in nnx.to_flat_state(nnx.state(model, nnx.Param)):
        shape = weight[...].shape
        if len(shape) < 2:
            continue
        key, here = jax.random.split(key)
        if "input_embedding" in path:
            fan_in = shape[1]
        elif "attn_vec_einsum" in path:
            fan_in = shape[0] * shape[1]
        else:
            fan_in = shape[-2]
        weight[...] = jax.random.normal(here, shape) * fan_in**-0.5


def train(folder: Path, steps: int, seed: int) -> None:
    folder.mkdir(parents=True)
    vocabulary = len(words.build(folder))
    config = CONFIG | {"vocab_size": vocabulary}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    ends = {"bos_token_id": 2, "eos_token_id": [1, 106], "pad_token_id": 0}
    (folder / "generation_config.json").write_text(json.dumps(ends, indent=2) + "\n")
    tokenizer = Tokenizer(folder)
    model = Gemma3(gemma3.architecture(folder, "float32"), rngs=nnx.Rngs(seed))
    initialise(model, seed)
    rate = optax.warmup_cosine_decay_schedule(0.0, PEAK, 60, steps, PEAK / 100)
    adamw = optax.adamw(rate, b2=0.98, weight_decay=0.05)
    optimizer = nnx.Optimizer(
        model, optax.chain(optax.clip_by_global_norm(1.0), adamw), wrt=nnx.Param
    )

    @nnx.jit
    def step(model, optimizer, ids, completion):
        def loss_of(model):
            return sft_loss(model, ids, completion, ids != 0)

        loss, gradient = nnx.value_and_grad(loss_of)(model)
        optimizer.update(model, gradient)
        return loss

    started, losses = time.monotonic(), []
    for number, batch in zip(
        range(1, steps + 1), batches(tokenizer, random.Random(seed)), strict=False
    ):
        losses.append(step(model, optimizer, batch["ids"], batch["completion"]))
        if number % 50 == 0:
            loss, minutes = np.mean([float(x) for x in losses]), (time.monotonic() - started) / 60
            print(f"step {number}  loss {loss:.4f}  {minutes:.1f} minutes", flush=True)
            losses = []
    save_file(
        gemma3.hugging_face_weights(model), folder / "model.safetensors", metadata={"format": "pt"}
    )
    print(f"{gemma3.parameters(model):,} parameters")
    for style, opening in (
        ("own choice", ""),
        ("careful", "Step by step:"),
        ("terse", "In the end"),
    ):
        print(style, accuracy(model, tokenizer, opening, seed), flush=True)


def accuracy(model: Gemma3, tokenizer: Tokenizer, opening: str, seed: int) -> dict[int, float]:
    """Steps of a problem -> share of 100 test problems answered correctly, greedily.

    opening: the first words of the completion, which choose its style
    """
    problems = list(word_problems.problems(400, seed, "test"))
    prompts = [chat(f"{INSTRUCTION}\n\n{problem.question}") + opening for problem in problems]
    longest = max(len(tokenizer.encode(prompt)) for prompt in prompts)
    generate = completer(model, tokenizer, Sampling(max_prompt_tokens=longest, max_tokens=64), 100)
    correct: dict[int, list[bool]] = {}
    for problem, completion in zip(problems, generate(prompts, 0), strict=True):
        is_correct = completion.text.endswith(f" answer is {problem.gold}.")
        correct.setdefault(len(problem.steps), []).append(is_correct)
    return {steps: sum(hits) / len(hits) for steps, hits in correct.items()}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="new folder to write the model to")
    parser.add_argument("--steps", type=int, default=1_000, help="batches of 64 texts")
    parser.add_argument("--seed", type=int, default=0, help="of weights and texts")
    arguments = parser.parse_args()
    train(arguments.folder, arguments.steps, arguments.seed)
