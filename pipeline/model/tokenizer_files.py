"""What decides a model's tokens, read from its files: no tokenizer is loaded for it."""

import hashlib
import json
from pathlib import Path

from data.response_format import render, user_turn
from pipeline.model.hub import TEMPLATE, TINY


def tokenizer_hash(folder: Path) -> str:
    """12 hex digits of the tokenizer in `folder`, its chat template, and the response format.

    Equal for all models that have the same tokenizer, as those that were trained from one.
    """
    with (folder / "tokenizer.json").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    for text in (_template(folder), user_turn("?"), render("?", "?")):
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:12]


def _template(folder: Path) -> str:
    """The chat template that the tokenizer in `folder` uses."""
    file = folder / TEMPLATE
    if file.is_file():
        return file.read_text(encoding="utf-8")
    for name in ("chat_template.json", "tokenizer_config.json"):
        path = folder / name
        template = json.loads(path.read_bytes()).get("chat_template") if path.is_file() else None
        if template:
            return template if isinstance(template, str) else json.dumps(template)
    return (TINY / TEMPLATE).read_text(encoding="utf-8")  # a base model gets it, see Tokenizer
