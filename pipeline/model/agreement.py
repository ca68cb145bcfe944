"""Whether base weights and an adapter are the merged weights, and how nearly."""

from dataclasses import dataclass
from pathlib import Path

import ml_dtypes  # by it NumPy, and so safetensors, know bfloat16
import numpy as np
from safetensors import safe_open

from data.errors import UserError
from pipeline.model.adapter import Adapter, Matrix


@dataclass(frozen=True)
class Agreement:
    """Base and adapter beside merged weights.

    dtype:   of the merged weights
    equal:   share of the adapted weights that are equal, once the sum is rounded to that type
    largest: difference between the sum, not rounded, and the merged weights, as a share of the
             largest weight of its matrix
    """

    dtype: str
    equal: float
    largest: float


def agreement(base: Path, adapter: Adapter, merged: Path) -> Agreement:
    """Compare the weights of two folders, one at a time.

    Raises UserError where the base lacks one, or one without adapter differs. The base may be of
    another type than the merged weights: it was rounded to theirs first.
    """
    theirs = _files_of_weights(base)
    equal, size, largest, dtype = 0, 0, 0.0, ""
    for name, path in _files_of_weights(merged).items():
        if name not in theirs:
            raise UserError(f"{base} has no {name}, which {merged} has: they are of two structures")
        weight, plain = _weight(path, name), _weight(theirs[name], name)
        dtype = str(weight.dtype)
        pair = adapter.pairs.get(name.removesuffix(".weight"))
        if pair is None:
            if not np.array_equal(plain.astype(weight.dtype), weight):
                raise UserError(f"{name} has no adapter, and differs in {base} and {merged}")
            continue
        change = (pair.lora_b @ pair.lora_a) * np.float32(adapter.scale)
        total = plain.astype(np.float32) + change
        equal += int((total.astype(weight.dtype) == weight).sum())
        size += weight.size
        whole = weight.astype(np.float32)
        largest = max(largest, float(np.abs(total - whole).max() / np.abs(whole).max()))
    return Agreement(dtype, equal / size, largest)


def rounding(dtype: str, stages: int) -> float:
    """The most that rounding explains of `Agreement.largest`: of the base, and after each stage.

    Sums in float32 of another order differ by less than the number at the end.
    """
    return (stages + 1) * float(ml_dtypes.finfo(dtype).eps) / 2 + 1e-5


def _files_of_weights(folder: Path) -> dict[str, Path]:
    """The file of each weight, by its name in a text model."""
    files = {}
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="numpy") as weights:
            files |= dict.fromkeys(map(_in_text_model, weights.keys()), path)
    return files


def _in_text_model(name: str) -> str:
    return name.removeprefix("language_model.")


def _weight(path: Path, name: str) -> Matrix:
    with safe_open(path, framework="numpy") as weights:
        names = {_in_text_model(full): full for full in weights.keys()}  # noqa: SIM118  # no dict
        return weights.get_tensor(names[name])
