"""The sizes of a Gemma 3 without its weights: from its config.json, or by its name."""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import UserError
from pipeline.model import MODEL_TYPES, complete

SIZES_BY_NAME = Path(__file__).parent / "gemma3.toml"
TINY = Path(__file__).parent.parent / "tiny" / "model"
# in a config without layer_types: five layers with local attention, then one with global
GLOBAL_EVERY = 6
BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True)
class Sizes:
    """Numbers of a Gemma 3, under the names that the formulas of `estimate` use."""

    vocabulary: int
    features: int
    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    window: int
    global_layers: int

    @property
    def layer_weights(self) -> int:
        """Weights of one layer that are multiplied with every token."""
        attention = self.features * self.head_dim * 2 * (self.heads + self.kv_heads)
        return attention + 3 * self.features * self.hidden

    @property
    def parameters(self) -> int:
        """All weights. The head is the embedding, so it is counted once; norms are vectors."""
        norms = self.layers * (4 * self.features + 2 * self.head_dim) + self.features
        return self.vocabulary * self.features + self.layers * self.layer_weights + norms

    def columns(self, tokens: int) -> int:
        """Positions in the engine's cache over all layers, for one sequence of `tokens`.

        Local layers keep only their window; see `pipeline.generate.cache`.
        """
        local = self.layers - self.global_layers
        return self.global_layers * tokens + local * min(self.window, tokens)

    def adapters(self, rank: int) -> int:
        """Parameters of adapters of `rank` on every projection; see `pipeline.model.lora`."""
        inner = self.heads * self.head_dim
        key_value = 2 * self.kv_heads * self.head_dim
        if self.heads == self.kv_heads:  # then query, key and value are one projection
            projected = self.features + 3 * inner
        else:
            projected = 2 * self.features + inner + key_value
        out = inner + self.features
        return self.layers * rank * (projected + out + 3 * (self.features + self.hidden))


def sizes_in(config: dict[str, Any]) -> Sizes:
    """The sizes in a Gemma 3's config.json, or in its `text_config`."""
    text = config.get("text_config", config)
    names = {
        "vocabulary": "vocab_size",
        "features": "hidden_size",
        "hidden": "intermediate_size",
        "layers": "num_hidden_layers",
        "heads": "num_attention_heads",
        "kv_heads": "num_key_value_heads",
        "head_dim": "head_dim",
        "window": "sliding_window",
    }
    if not all(name in text for name in names.values()):
        text = complete(text, "the config.json")
    wrong = [name for name in names.values() if not _is_size(text.get(name))]
    if wrong or text.get("model_type") not in MODEL_TYPES:
        raise UserError(
            f"the config has model_type {text.get('model_type')!r}, and"
            f" {', '.join(wrong) or 'nothing'} is not a whole number above 0; expected the"
            " config.json of a Gemma 3"
        )
    numbers = {ours: text[theirs] for ours, theirs in names.items()}
    return Sizes(**numbers, global_layers=_global_layers(text))


def _global_layers(text: dict[str, Any]) -> int:
    if kinds := text.get("layer_types"):
        return kinds.count("full_attention")
    return text["num_hidden_layers"] // GLOBAL_EVERY


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def has_known_sizes(model: str) -> bool:
    """Whether the sizes of `model` are known by its name, before it is downloaded."""
    return _config_by_name(model) is not None


def config_of(model: str) -> dict[str, Any]:
    """The config.json of `model`: from its folder, or by its name. Downloads nothing."""
    if model == "tiny":
        return _read(TINY)
    if Path(model).is_dir():
        return _read(Path(model))
    if (config := _config_by_name(model)) is None:
        raise UserError(
            f"the sizes of {model!r} are not known: it is not a folder, and not one of"
            f" {', '.join(f'google/{name}-it' for name in _configs())}. Name a folder with a"
            " config.json."
        )
    return config


def _config_by_name(model: str) -> dict[str, Any] | None:
    name = model.rstrip("/").rpartition("/")[2]  # the same on both hubs
    size = name.removesuffix("-it").removesuffix("-pt").removesuffix("-qat")
    return _configs().get(size) if "/" in model else None


def _configs() -> dict[str, dict[str, Any]]:
    return tomllib.loads(SIZES_BY_NAME.read_text(encoding="utf-8"))


def _read(folder: Path) -> dict[str, Any]:
    path = folder / "config.json"
    if not path.is_file():
        raise UserError(f"{folder} has no config.json; name the folder of a Gemma 3")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is not JSON in UTF-8: {error}. Correct the file.") from error
    if not isinstance(config, dict):
        raise UserError(
            f"{path} holds a {type(config).__name__}; expected a JSON object. Correct the file."
        )
    return config
