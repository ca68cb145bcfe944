"""An adapter as the two files that PEFT reads."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file, save_file

from data.errors import UserError
from pipeline.model.adapter import ATTENTION, LAYERS, MLP, Adapter, Pair

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"
PREFIX = "base_model.model."  # of all names in PEFT's files
# of the text model within one that reads images too, as transformers 5 loads it
LAYERS_BESIDE_IMAGES = "model.language_model.layers."


def save_adapter(
    adapter: Adapter, folder: Path, base: str | None = None, images: bool = False
) -> None:
    """Write `adapter` to `folder`, where an earlier one is replaced.

    base:   name of the model that it belongs to
    images: whether that model reads images too, so that its layers have other names
    """
    layers = LAYERS_BESIDE_IMAGES if images else LAYERS
    weights = {
        f"{PREFIX}{layers}{name.removeprefix(LAYERS)}.{matrix}.weight": values
        for name, pair in adapter.pairs.items()
        for matrix, values in (("lora_A", pair.lora_a), ("lora_B", pair.lora_b))
    }
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    save_file(weights, part / WEIGHTS, metadata={"format": "pt"})
    text = json.dumps(_config(adapter, base, layers), indent=2)
    (part / CONFIG).write_text(text + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)


def _config(adapter: Adapter, base: str | None, layers: str) -> dict[str, Any]:
    whole = float(adapter.alpha).is_integer()
    names = "|".join((*ATTENTION, *MLP))
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": adapter.rank,
        "lora_alpha": int(adapter.alpha) if whole else adapter.alpha,
        # an expression, as an image encoder has projections of the same names
        "target_modules": rf"{re.escape(layers)}\d+\.(?:self_attn|mlp)\.(?:{names})",
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "init_lora_weights": True,
        "inference_mode": True,
        "modules_to_save": None,
        "rank_pattern": {},
        "alpha_pattern": {},
        "use_rslora": False,
        "use_dora": False,
    }


def load_adapter(folder: Path) -> Adapter:
    """The adapter that a stage has written to `folder`."""
    if not (folder / WEIGHTS).is_file():
        raise UserError(
            f"{folder} holds no {WEIGHTS}; expected the adapter of a run. Runs that ended before"
            " adapters were stored have none: train again, or export the merged model"
        )
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    weights = load_file(folder / WEIGHTS)
    ending = ".lora_A.weight"
    names = [name.removesuffix(ending) for name in weights if name.endswith(ending)]
    pairs = {
        name.removeprefix(PREFIX): Pair(weights[name + ending], weights[f"{name}.lora_B.weight"])
        for name in names
    }
    return Adapter(pairs, config["r"], config["lora_alpha"])
