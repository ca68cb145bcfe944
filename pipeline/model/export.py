"""Export: a merged model as a Hugging Face folder, checked against what was trained."""

import hashlib
import shutil
from pathlib import Path

from data.errors import UserError
from pipeline.generate import generator
from pipeline.generate.rollout import Sampling
from pipeline.model import gemma3
from pipeline.model.tokenizer import Tokenizer

PARITY_TOKENS = 64
SLOTS = 16


class ExportDiffers(RuntimeError):
    """The exported folder does not generate what the model in memory does."""


def export(model: gemma3.Loaded, folder: Path, prompts: list[str]) -> dict[str, object]:
    """Write `model` to `folder`, load it again and compare greedy completions of `prompts`.

    Returns what was written: path, parameters, bytes, sha256, prompts compared.
    """
    if folder.exists():
        raise UserError(f"{folder} exists already; name another folder or move it away")
    # checked before it gets its name: what has the name is whole and right
    beside = folder.with_name(f".{folder.name}.unchecked")
    shutil.rmtree(beside, ignore_errors=True)
    gemma3.save(model.model, model.folder, beside)
    again = gemma3.load(str(beside), dtype=gemma3.dtype_of(model.model), mesh=model.mesh)
    before, after = greedy(model, prompts), greedy(again, prompts)
    if different := [
        place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]
    ]:
        raise ExportDiffers(
            f"{len(different)} of {len(prompts)} greedy completions differ after export, first at"
            f" prompt {different[0]}; expected the same texts. What was written is in {beside}."
            " Keep the checkpoint and report this."
        )
    beside.replace(folder)
    weights = folder / "model.safetensors"
    return {
        "path": str(folder.absolute()),
        "parameters": gemma3.parameters(again.model),
        "bytes": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "prompts_compared": len(prompts),
    }


def greedy(model: gemma3.Loaded, prompts: list[str]) -> list[str]:
    """Greedy completions of whole prompts (template included)."""
    tokenizer = Tokenizer(model.folder)
    longest = max(len(tokenizer.encode(prompt)) for prompt in prompts)
    sampling = Sampling(max_prompt_tokens=longest, max_tokens=PARITY_TOKENS)
    generate = generator(model.model, tokenizer, sampling, min(len(prompts), SLOTS))
    return [completion.text for completion in generate(prompts, 0)]
