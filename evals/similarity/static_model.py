"""Vectors of texts by a static model: the mean of one stored vector for each token of a text.

It runs no network, and needs none: the weights (16 MB) lie in the package wordllama, which is not
imported, as that configures logging. A text's vector depends on nothing but the text.
"""

from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from data.errors import UserError

METHOD = "wordllama-l2-supercat-256/1"  # the weights, and the version of what this file does
DIMENSIONS = 256
LONGEST = 40_000  # characters of a text; of a longer one the first and the last half of these
TEXTS_AT_ONCE = 1_000


def embed(texts: Sequence[str]) -> np.ndarray:
    """The vector of each text: of length one, or of zeros where it has no token.

    returns: [texts, DIMENSIONS]  float32
    """
    from scipy.sparse import csr_array

    tokenizer, table = _model()
    vectors = [np.zeros((0, DIMENSIONS), np.float32)]
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        batch = [_shortened(text) for text in texts[first : first + TEXTS_AT_ONCE]]
        encoded = tokenizer.encode_batch_fast(batch, add_special_tokens=False)
        tokens = [np.minimum(np.asarray(each.ids, np.int32), len(table) - 1) for each in encoded]
        ends = np.cumsum([0, *map(len, tokens)])
        ones = np.ones(ends[-1], np.float32)
        counts = csr_array((ones, np.concatenate(tokens), ends), shape=(len(batch), len(table)))
        counts.sum_duplicates()  # a product with fewer rows, and one order of its sums
        vectors.append(_of_length_one(counts @ table))
    return np.concatenate(vectors)


def is_installed() -> bool:
    return find_spec("wordllama") is not None


def _of_length_one(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _shortened(text: str) -> str:
    text = text.strip()  # blanks alone have tokens, too
    if len(text) <= LONGEST:
        return text
    return text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]


@cache
def _model() -> tuple[Any, np.ndarray]:
    """The tokenizer, and a vector for each of its tokens."""
    try:
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise _not_installed(str(error.name)) from error
    folder = _package_folder()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers/l2_supercat_tokenizer_config.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    weights = load_file(folder / "weights/l2_supercat_256.safetensors")
    return tokenizer, weights["embedding.weight"].astype(np.float32)


def _package_folder() -> Path:
    package = find_spec("wordllama")
    if package is None or not package.submodule_search_locations:
        raise _not_installed("wordllama")
    return Path(package.submodule_search_locations[0])


def _not_installed(package: str) -> UserError:
    return UserError(
        f"the package {package} is not installed; it is needed to compare texts by meaning."
        " Install it: pip install 'thinkbench[similarity]'"
    )
