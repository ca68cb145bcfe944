"""The folder of a model: a local path, the bundled model, or a download from a hub."""

import json
from pathlib import Path

from data.errors import UserError

TINY = Path(__file__).parents[1] / "tiny" / "model"
TEMPLATE = "chat_template.jinja"


def model_folder(name: str) -> Path:
    """The local folder of the model `name`, checked to hold a config, a tokenizer and weights."""
    folder = resolve(name)
    check_folder(folder)
    return folder


def resolve(name: str) -> Path:
    """The local folder of the model `name`; weights on a hub are downloaded to its cache."""
    if name == "tiny":
        return TINY
    if Path(name).exists():
        return Path(name)
    if name.startswith("kaggle:"):
        return _from_kaggle(name.removeprefix("kaggle:"))
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return _from_hugging_face(name)
    raise UserError(
        f"no model {name!r}: no folder of that name is here. Expected 'tiny', a folder with"
        " config.json, tokenizer.json and *.safetensors, a Hugging Face id such as"
        " google/gemma-3-1b-it, or kaggle:google/gemma-3/transformers/gemma-3-1b-it"
    )


def folder_here(name: str) -> Path | None:
    """The folder of the model `name` if it is on this machine; nothing is downloaded."""
    if name == "tiny" or Path(name).is_dir():
        return resolve(name)
    if name.count("/") != 1 or name.startswith(("kaggle:", ".", "/", "~")):
        return None
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        file = try_to_load_from_cache(name, "tokenizer.json")
    except HFValidationError:
        return None
    return Path(file).parent if isinstance(file, str) else None


def check_folder(folder: Path) -> None:
    """Raise UserError unless `folder` holds a config, a tokenizer and weights."""
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; expected a model folder with config.json")
    missing = [name for name in ("config.json", "tokenizer.json") if not (folder / name).is_file()]
    if not list(folder.glob("*.safetensors")):
        missing.append("*.safetensors (the weights)")
    if missing:
        files = ", ".join(sorted(path.name for path in folder.iterdir())[:12]) or "nothing"
        raise UserError(
            f"{folder} lacks {', '.join(missing)}; it holds {files}. Expected a Hugging Face"
            " model folder: copy the missing files there or name another folder."
        )


def has_chat_template(folder: Path) -> bool:
    """Whether the tokenizer in `folder` comes with a template; a base model's does not."""
    if any((folder / name).is_file() for name in (TEMPLATE, "chat_template.json")):
        return True
    path = folder / "tokenizer_config.json"
    return path.is_file() and bool(json.loads(path.read_bytes()).get("chat_template"))


def name_and_licence(name: str) -> dict[str, str | None]:
    """Of the model `name`: as others would find it, and the licence that its card names.

    Of a folder its name alone, not where it lies.
    """
    folder = resolve(name)
    if folder == TINY:
        return {"name": "tiny", "licence": "Apache-2.0"}
    is_local = Path(name).exists()
    return {"name": folder.absolute().name if is_local else name, "licence": _licence(folder)}


def _licence(folder: Path) -> str | None:
    """As the front matter of the folder's card has it; None where there is none to read."""
    from huggingface_hub.repocard import metadata_load
    from yaml import YAMLError

    card = folder / "README.md"
    try:
        values = (metadata_load(card) if card.is_file() else None) or {}
    except (ValueError, YAMLError):  # someone else's file, on which nothing else depends
        return None
    licence = values.get("license_name") or values.get("license")
    return licence if isinstance(licence, str) else None


def _from_hugging_face(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    patterns = ["*.json", "*.safetensors", "tokenizer.model", "*.jinja", "README.md"]
    try:
        return Path(snapshot_download(name, allow_patterns=patterns, etag_timeout=5))
    except GatedRepoError as error:
        raise UserError(
            f"{name} is gated and this account has no access. Accept its licence on its page,"
            " then set HF_TOKEN or run `hf auth login`."
        ) from error
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise UserError(
            f"{name} could not be fetched from Hugging Face ({type(error).__name__}). Check the"
            " name and the network, or give the path of a folder that holds the model."
        ) from error


def _from_kaggle(name: str) -> Path:
    import kagglehub
    from requests import RequestException

    try:
        return Path(kagglehub.model_download(name))
    except (RequestException, OSError, ValueError) as error:
        raise UserError(
            f"kaggle:{name} could not be fetched ({type(error).__name__}). Check the name,"
            " credentials and network, or give the path of a folder that holds the model."
        ) from error
