"""A table for a terminal of any width: columns where its words fit, else a block of lines a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.formatting.unsafe_characters import visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table

PIPE_WIDTH = 160  # columns of a file or pipe; a table whose words need more is wider there
BETWEEN = 3  # columns between two cells: the padding of both, and the line
EDGES = 2


@dataclass(frozen=True)
class FittedTable:
    """columns: their titles   rows: of cells   words: whether cells are words, not numbers

    The first column is left-aligned, numbers are right-aligned. Every cell is shown as `visible`,
    and nothing in it is markup.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: bool = False

    def __rich_console__(self, console: "Console", options: "ConsoleOptions") -> "RenderResult":
        titles, *shown = [[visible(cell) for cell in row] for row in (self.columns, *self.rows)]
        columns = [list(cells) for cells in zip(titles, *shown, strict=True)]
        least = [max(map(_longest_word, cells), default=0) for cells in columns]
        least[0] = max(map(_longest_line, columns[0]), default=0) if columns else 0
        needed = sum(least) + BETWEEN * len(least) + EDGES
        width = options.max_width if console.is_terminal else max(PIPE_WIDTH, needed)
        if needed > width and self.rows:
            yield from self._blocks(titles, shown)
        else:
            natural = [max(map(_longest_line, cells), default=0) for cells in columns]
            spare = width - needed
            yield self._table(titles, shown, _widened(least, natural, spare))

    def _table(self, titles: list[str], rows: list[list[str]], widths: list[int]) -> "Table":
        from rich import box
        from rich.table import Table
        from rich.text import Text

        drawn = Table(box=box.SIMPLE)
        for number, (title, width) in enumerate(zip(titles, widths, strict=True)):
            is_number = number > 0 and not self.words
            drawn.add_column(Text(title), justify="right" if is_number else "left", width=width)
        for row in rows:
            drawn.add_row(*map(Text, row))
        return drawn

    def _blocks(self, titles: list[str], rows: list[list[str]]) -> "RenderResult":
        """Each row as lines of title and cell, with an empty line after it."""
        from rich.table import Table
        from rich.text import Text

        yield Text("")
        for row in rows:
            block = Table.grid(padding=(0, 1))
            block.add_column(style="bold", no_wrap=True)
            block.add_column(overflow="fold")
            for title, cell in zip(titles, row, strict=True):
                block.add_row(Text(title), Text(cell))
            yield block
            yield Text("")


def _longest_word(text: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, text.split()), default=0)


def _longest_line(text: str) -> int:
    from rich.cells import cell_len

    return max(map(cell_len, text.split("\n")), default=0)


def _widened(least: list[int], natural: list[int], spare: int) -> list[int]:
    """`least` with `spare` more columns in all, shared equally by those that need them."""
    widths = list(least)
    by_need = sorted(range(len(least)), key=lambda column: natural[column] - least[column])
    for position, number in enumerate(by_need):
        share = spare // (len(by_need) - position)
        more = max(0, min(share, natural[number] - least[number]))
        widths[number] += more
        spare -= more
    return widths
