"""Export: a merged model as a Hugging Face folder, compared with the model in memory."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from data.errors import UserError
from pipeline.model import gemma3

# A model and whole prompts (template included) -> the greedy completion of each prompt.
GreedyTexts = Callable[[gemma3.Loaded, Sequence[str]], list[str]]


class ExportDiffers(RuntimeError):
    """The exported folder does not generate what the model in memory does."""


def export_folder(
    model: gemma3.Loaded, folder: Path, prompts: list[str], greedy_texts: GreedyTexts
) -> dict[str, object]:
    """Write `model` to `folder`, load it again and compare greedy completions of `prompts`.

    Returns a summary of the folder: path, parameters, bytes, sha256, prompts_compared.
    """
    if folder.exists():
        raise UserError(f"{folder} exists already; name another folder or move it away")
    # checked before it is renamed: a folder of that name is complete and correct
    unchecked = folder.with_name(f".{folder.name}.unchecked")
    shutil.rmtree(unchecked, ignore_errors=True)
    gemma3.save(model.model, model.folder, unchecked)
    reloaded = gemma3.load(str(unchecked), dtype=gemma3.dtype_of(model.model), mesh=model.mesh)
    _check_same_texts(greedy_texts(model, prompts), greedy_texts(reloaded, prompts), unchecked)
    unchecked.replace(folder)
    weights = folder / "model.safetensors"
    return {
        "path": str(folder.absolute()),
        "parameters": gemma3.parameters(reloaded.model),
        "bytes": weights.stat().st_size,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "prompts_compared": len(prompts),
    }


def _check_same_texts(before: list[str], after: list[str], unchecked: Path) -> None:
    pairs = zip(before, after, strict=True)
    differing = [number for number, (one, other) in enumerate(pairs) if one != other]
    if differing:
        raise ExportDiffers(
            f"{len(differing)} of {len(before)} greedy completions differ after export, the first"
            f" is that of prompt {differing[0]}; expected the same texts. The exported files are in"
            f" {unchecked}. Keep the checkpoint and report this."
        )
