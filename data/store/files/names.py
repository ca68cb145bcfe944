"""Names of parts and of the folders of runs and stages."""

import re
import secrets
import time

FIRST_TIME = 10**15  # no run has as many rows, and no clock shows such a time in nanoseconds
PART_NAME = re.compile(r"(part|pair|merged)-[0-9]{20}-[A-Za-z0-9]+\.parquet")  # as below
LEVEL = re.compile(r"(run|stage)=[A-Za-z0-9_-][A-Za-z0-9._-]*")  # a folder between table and parts


def new_name(prefix: str) -> str:
    """A unique file name; names of one prefix sort by the time they were made."""
    return f"{prefix}-{time.time_ns():020d}-{secrets.token_hex(4)}.parquet"


def fixed_name(prefix: str, content: str, position: int = 0) -> str:
    """The file name of rows with this hash: writing them again writes the same file.

    position: among the parts of a run, which are read in the order of their names
    """
    return f"{prefix}-{position:020d}-{content[:16]}.parquet"


def is_fixed(path: str) -> bool:
    """Whether `fixed_name` made the name of this part; in other names the number is a time."""
    return int(file_name(path).split("-")[1]) < FIRST_TIME


def file_name(path: str) -> str:
    return path.rpartition("/")[2]
