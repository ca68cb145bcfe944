"""Splits: whether rows are for training, validation or test, as file and folder names say.

The words are those of Hugging Face (https://huggingface.co/docs/hub/datasets-file-names-and-splits).
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
WORDS = {
    **dict.fromkeys(("train", "training"), TRAIN),
    **dict.fromkeys(("validation", "validate", "valid", "val", "dev", "development"), VALIDATION),
    **dict.fromkeys(("test", "testing", "eval", "evaluation", "heldout", "holdout"), TEST),
}
COLUMN = "split"  # the column of a row that names its split
AFTER_A_SPLIT = frozenset(("set", "split", "data", "dataset", "file", "files", "only", "part"))


def split_of(path: Path) -> str:
    """The split that the file's own name says, else the one that its folder's name says.

    Neither says one: train. Of a file's name any word counts, and `train` wins; of a folder's only
    the last, because people give folders all kinds of names: `gsm8k_test/` and `test-set/` are of
    the test split, `test_run_of_may/` is not.
    """
    return _split_of(path.stem, folder_of(path))


@lru_cache(maxsize=1024)
def _split_of(stem: str, folder: str) -> str:
    splits = {WORDS[word] for word in words_of(stem) if word in WORDS}
    if not splits:
        return split_of_folder(folder) or TRAIN
    return next(split for split in (TRAIN, TEST, VALIDATION) if split in splits)


def folder_of(path: Path) -> str:
    """The name of the folder that the file `path` lies in."""
    return path.parent.name or Path.cwd().name


@lru_cache(maxsize=1024)
def split_of_folder(name: str) -> str | None:
    """The split that the name of a folder says; None if it says none."""
    words = words_of(name)
    while len(words) > 1 and words[-1] in AFTER_A_SPLIT:
        words.pop()
    return WORDS.get(words[-1]) if words else None


def split_of_row(values: dict[str, Any], split_of_file: str) -> str:
    """The split that the row's own column `split` says, else `split_of_file`."""
    value = values.get(COLUMN)
    return (
        WORDS.get(value.strip().lower(), split_of_file) if isinstance(value, str) else split_of_file
    )


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: `gsm8kTestSet-00` has gsm, k, test, set."""
    separated = re.sub("(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall("[a-z]+", separated.lower())
