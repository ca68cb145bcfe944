"""Texts of the store as a report shows them: short, with marked spans, nothing hidden in them."""

from collections.abc import Iterable

from workbench.formatting import visible

LONGEST = 900  # characters of a text; the middle of longer ones is left out


def shown(text: object, longest: int = LONGEST) -> str:
    """A text whose control and reversing characters are visible, without its middle if long."""
    plain = str(text)
    if len(plain) > longest:
        half = longest // 2
        left_out = len(plain) - 2 * half
        plain = f"{plain[:half]} [… {left_out:,} characters …] {plain[-half:]}"
    return visible(plain)


def cut(text: object, longest: int) -> str:
    """The beginning of a text, for a heading or a label."""
    plain = " ".join(str(text)[: longest + 1].split())
    return visible(plain if len(plain) <= longest else f"{plain[: longest - 1]}…")


def marked(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[str, bool]]:
    """Pieces of a text with whether each is evidence. A span of the whole text marks nothing."""
    pieces: list[tuple[str, bool]] = []
    end = 0
    for start, stop in sorted(spans):
        if start < end or stop <= start or stop - start >= len(text):
            continue
        pieces += [(text[end:start], False), (text[start:stop], True)]
        end = stop
    pieces.append((text[end:], False))
    pieces = [piece for piece in pieces if piece[0]]
    share = LONGEST // max(len(pieces), 1)
    return [(shown(piece, max(share, 120)), is_evidence) for piece, is_evidence in pieces[:20]]
