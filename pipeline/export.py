"""Export: a merged model as a Hugging Face folder, checked against what was trained."""

import hashlib
from pathlib import Path

from pipeline import models
from pipeline.rollout import Sampling, generator
from pipeline.tokens import Tokenizer

PARITY_TOKENS = 64


class ExportDiffers(RuntimeError):
    """The exported folder does not generate what the model in memory does."""


def export(model: models.Loaded, folder: Path, prompts: list[str]) -> dict[str, object]:
    """Write `model` to `folder`, load it again and compare greedy completions of `prompts`.

    Returns what was written: path, parameters, bytes, sha256, prompts compared.
    """
    models.save(model.model, model.folder, folder)
    again = models.load(str(folder), dtype="float32", mesh=model.mesh)
    before = greedy(model, prompts)
    after = greedy(again, prompts)
    if different := [
        place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]
    ]:
        raise ExportDiffers(
            f"{len(different)} of {len(prompts)} greedy completions differ after export to"
            f" {folder}, first at prompt {different[0]}; expected the same texts."
            " Keep the checkpoint and report this."
        )
    weights = folder / "model.safetensors"
    return {
        "path": str(folder),
        "parameters": models.parameters(again.model),
        "bytes": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "prompts_compared": len(prompts),
    }


def greedy(model: models.Loaded, prompts: list[str]) -> list[str]:
    """Greedy completions of whole prompts (template included)."""
    tokenizer = Tokenizer(model.folder)
    longest = max(len(tokenizer.encode(prompt)) for prompt in prompts)
    sampling = Sampling(max_prompt_tokens=longest, max_tokens=PARITY_TOKENS)
    generate = generator(model.model, tokenizer, sampling, batch=len(prompts))
    return [completion.text for completion in generate(prompts, 0)]
