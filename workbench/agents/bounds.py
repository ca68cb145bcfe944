"""The result of a tool as JSON that is bounded and safe to print."""

import json
from typing import Any

from data.errors import UserError
from workbench.formatting import visible

MOST = 40_000  # characters of a result, about 10,000 tokens of the program that asked
# entries of a list or object, and characters of a text: the first pair that fits is used
CUTS = ((1_000, 20_000), (500, 4_000), (200, 2_000), (100, 1_000), (50, 500), (20, 500), (10, 200))


def bounded(value: dict[str, Any]) -> str:
    """`value` as JSON of at most MOST characters.

    Characters that a terminal would execute are replaced. Where lists or texts are cut, each says
    so, and the object has `cut_to`: the entries and characters that are left of the longest.
    """
    whole = json.dumps(_cut(value, None, None), ensure_ascii=False, allow_nan=False)
    if len(whole) <= MOST:
        return whole
    for entries, characters in CUTS:
        cut_to = {"entries": entries, "characters": characters}
        cut = _cut(value, entries, characters) | {"cut_to": cut_to}
        text = json.dumps(cut, ensure_ascii=False, allow_nan=False)
        if len(text) <= MOST:
            return text
    raise UserError(
        f"the result has {len(whole):,} characters, and more than {MOST:,} when its lists and texts"
        " are cut; expected less. Name fewer columns, a lower limit, or one run."
    )


def _cut(value: Any, entries: int | None, characters: int | None) -> Any:
    if isinstance(value, str):
        text = visible(value)
        left_out = len(text) - (characters or len(text))
        return f"{text[:characters]}… ({left_out:,} more characters)" if left_out > 0 else text
    if isinstance(value, dict):
        pairs = list(value.items())
        cut = {
            _cut(str(name), entries, characters): _cut(each, entries, characters)
            for name, each in pairs[:entries]
        }
        return cut | _left_out(pairs, cut)
    if isinstance(value, list | tuple):
        cut = [_cut(each, entries, characters) for each in value[:entries]]
        return cut + [_left_out(value, cut)] * (len(cut) < len(value))
    return value


def _left_out(whole: Any, cut: Any) -> dict[str, str]:
    n = len(whole) - len(cut)
    return {"…": f"{n:,} more entries"} if n else {}
