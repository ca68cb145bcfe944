"""Options and types of values that several commands share."""

import os
import re
from pathlib import Path
from typing import Any

import click

from data.errors import UserError
from workbench.formatting import bytes_of
from workbench.lookup import user_name

GRADERS = ("strict", "lenient", "notebook", "math")  # as in evals/graders, not loaded for --help
JUDGE = "judge:"  # with which the names of judges begin
SHAPES = ("stratos", "gsm8k", "messages", "completion")  # as in data/sources, likewise


def not_empty(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    """For options: "" is no name, and does not mean the default."""
    if value == "":
        raise click.BadParameter("is empty; leave the option out for its default")
    return value


class FilePath(click.Path):
    """A path that is not empty: "" would mean the current folder."""

    expected = "the path of a file or folder"

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail(f"is empty; expected {self.expected}", param, ctx)
        return super().convert(value, param, ctx)


class Folder(FilePath):
    """The path of a folder, which is not empty and no file."""

    expected = "the name of a folder"

    def __init__(self) -> None:
        super().__init__(file_okay=False)


class GraderName(click.Choice):
    """One of GRADERS, or judge:NAME."""

    def __init__(self) -> None:
        super().__init__(GRADERS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if str(value).startswith(JUDGE):
            return value
        return super().convert(value, param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(GRADERS)}|{JUDGE}NAME]"


class Duration(click.ParamType):
    """`8h30m`, `90m` or `600s` as seconds."""

    name = "duration"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", str(value))
        if not match or not any(match.groups()):
            self.fail(
                f"{value!r} is no duration; expected hours, minutes and seconds, as 8h30m", param
            )
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return float(hours * 3600 + minutes * 60 + seconds)


class Size(click.ParamType):
    """`19.5GB` or `500MB` as bytes; a kB is 1,000 bytes."""

    name = "size"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        size = value if isinstance(value, int) else bytes_of(value)
        if size is None:
            self.fail(f"{value!r} is no size; expected a number and B, kB, MB, GB or TB", param)
        return size


grader_option = click.option(
    "--grader",
    type=GraderName(),
    default="strict",
    show_default=True,
    help="whose grades count",
)
fitting_grader_option = click.option(
    "--grader",
    type=GraderName(),
    help="whose grades count; by default strict, or for imports the one that fits them all",
)
author_option = click.option("--author", default=user_name, help="by default the logged-in user")
reason_option = click.option("--reason", required=True, help="why, in a few words")
limit_option = click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="rows to list"
)
column_option = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=PATH",
    help="where a row holds what the shape calls NAME: completion=code[0]",
)


def api_key(variable: str | None) -> str:
    if variable is None:
        return ""
    if not variable.isidentifier():  # perhaps the key itself, which is not repeated
        raise UserError(
            "--api-key-env is no name of an environment variable; expected letters, digits and"
            " '_', as MY_KEY. Put the key into such a variable, and name that."
        )
    if not os.environ.get(variable):
        raise UserError(
            f"the environment variable {variable} is not set, or empty; --api-key-env expects the"
            " name of a variable that holds the server's API key"
        )
    return os.environ[variable]
