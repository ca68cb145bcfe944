"""Texts of token ids, for logs that have no texts."""

from pathlib import Path

from data.errors import UserError
from evals.imports.rollout_logs.records import Decode

FILE = "tokenizer.json"


def decoder(path: Path) -> Decode:
    """Decodes ids by the tokenizer.json at `path`, or in the folder; markers of turns stay."""
    file = path / FILE if path.is_dir() else path
    if not file.is_file():
        raise UserError(
            f"{file} is missing. Expected the tokenizer.json of a model. Name the folder of the"
            " model that wrote the log, or its tokenizer.json."
        )
    from tokenizers import Tokenizer  # only logs of token ids need it

    tokenizer = Tokenizer.from_file(str(file))
    return lambda ids: tokenizer.decode(list(ids), skip_special_tokens=False)
