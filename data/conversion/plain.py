r"""Plain rows, converted by columns: the many in which nothing is found but what there should be.

A row is plain where a few questions, asked of whole columns, leave no doubt what
`data.conversion.convert` would say of it: the text is whole (data/conversion/cuts.py), has no
marker but those it needs, and nothing in it may loop, fail or mix scripts. Every other row goes
through `convert`, and tests hold that the two agree on every row.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import polars as pl

from data.conversion import loops, prompts
from data.conversion.boxes import boxes, same_form
from data.conversion.cuts import cut, plans
from data.conversion.defects import SEVERITY, Defect
from data.conversion.dialects import BEFORE_TAGS, every_marker, leads, nearly_a_marker, own_version
from data.conversion.prompts import OLD_REQUESTS_BEFORE, Rewrite
from data.conversion.text_defects import SHORT
from data.sources import Turns
from data.store import DEFECT, REWRITE

RULES = frozenset({"answer-from-box"})  # what plain rows can follow
BOX = "\\boxed"
ONE_BOX = r"\A([^\\{}]*)\\boxed\{([0-9A-Za-z.,]+)\}[^\\{}]*\z"
ODD_SPACES = ["\x1c", "\x1d", "\x1e", "\x1f"]  # Python strips them, polars does not
# A wider net than those of data/conversion/text_defects.py: what it catches goes through `convert`
FAILED = (
    r"^(?i)(?:error|\{\s?[\"']error|traceback|<!doctype|<html|internal|bad|gateway|service|too many"
    r"|rate|request|connection|http|[45][0-9][0-9]|i['\x{2019} ]?\s?a?m|sorry|i can|as an ai|null"
    r"|nan|\[object|none|undefined|n/a)"
)
FOREIGN = (  # letters of the scripts of data/conversion/text_defects.py, and some more
    r"[\x{400}-\x{6ff}\x{900}-\x{97f}\x{e00}-\x{e7f}\x{1100}-\x{11ff}\x{3041}-\x{30ff}"
    r"\x{3400}-\x{4dbf}\x{4e00}-\x{9fff}\x{ac00}-\x{d7af}]"
)
CUT: dict[str, Any] = {
    "place": pl.Int64,
    "system": pl.String,
    "asked": pl.String,
    "dialect": pl.String,
    "pattern": pl.String,
    "reasoning": pl.String,
    "answer": pl.String,
    "reasoning_start": pl.Int64,
    "reasoning_end": pl.Int64,
    "answer_start": pl.Int64,
    "answer_end": pl.Int64,
}
PLAIN: dict[str, Any] = {
    "place": pl.Int64,
    "dialect": pl.String,
    "pattern": pl.String,
    "defects": pl.List(DEFECT),
    "prompt": pl.String,
    "reasoning": pl.String,
    "answer": pl.String,
    "reasoning_start": pl.Int64,
    "reasoning_end": pl.Int64,
    "answer_start": pl.Int64,
    "answer_end": pl.Int64,
    "rewrites": pl.List(REWRITE),
}


def plain(said: list[Turns | None], rules: frozenset[str]) -> pl.DataFrame:
    """The plain rows of `said`, with the columns PLAIN; place: where in `said` a row stands."""
    found = []
    if rules <= RULES:
        known = plans()
        for place, turns in enumerate(said):
            if turns is not None and (one := cut(turns.completion, known)):
                found.append((place, turns.system, turns.prompt, *one))
    if not found:  # to ask the rest of no row costs as much as of a thousand
        return pl.DataFrame(schema=PLAIN)
    columns = zip(CUT, zip(*found, strict=True), strict=True)
    cuts = pl.DataFrame([pl.Series(name, column, CUT[name]) for name, column in columns])
    sure = cuts.filter(~_failed("reasoning"), ~_failed("answer"), ~_says_final("answer"))
    for name in ("answer", "reasoning"):
        sure = _sound(_without_markers(sure, name), name)
    return _answered(_prompts(sure), rules)


def _says_final(column: str) -> pl.Expr:
    """Whether an answer may be stated in words, and so more than once."""
    return pl.col(column).str.contains("(?i)final answer")


def _without_markers(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Those of `rows` whose text has no marker, nothing that nearly is one, and no chat token."""
    text = pl.col(column)
    may = pl.any_horizontal(text.str.contains(lead, literal=True) for lead in leads())
    markers = sorted(every_marker() - {""})
    rows = _without(rows, column, may, lambda few: few.str.contains_any(markers))
    nearly = pl.any_horizontal(text.str.contains(begin, literal=True) for begin in BEFORE_TAGS)
    return _without(rows, column, nearly, lambda few: few.str.contains(nearly_a_marker()))


def _without(
    rows: pl.DataFrame, column: str, may: pl.Expr, has: Callable[[pl.Series], pl.Series]
) -> pl.DataFrame:
    """`rows` but for those whose text `has` something; asked only of the few that `may` have it."""
    asked = rows.select(may.arg_true()).to_series()
    if asked.is_empty():
        return rows
    found = asked.filter(has(rows[column].gather(asked)))
    return rows.with_row_index("row").filter(~pl.col("row").is_in(found.implode())).drop("row")


def _strips_alike(column: str) -> pl.Expr:
    """Whether polars has stripped the text as Python would."""
    ends = (pl.col(column).str.head(1), pl.col(column).str.tail(1))
    return ~pl.any_horizontal(end.is_in(ODD_SPACES) for end in ends)


def _failed(column: str) -> pl.Expr:
    return pl.col(column).str.strip_chars_start().str.head(60).str.contains(FAILED)


def _defect(phrase: str, field: str, start: Any, end: Any) -> pl.Expr:
    whole = {
        "phrase": pl.lit(phrase),
        "severity": pl.lit(SEVERITY[phrase]),
        "field": pl.lit(field),
        "start": start,
        "end": end,
    }
    return pl.struct(
        value.cast(kind.dtype).alias(kind.name)
        for value, kind in zip(whole.values(), DEFECT.fields, strict=True)
    )


def _rewrite(rule: str, field: str, start: Any, end: Any, before: Any, after: Any) -> pl.Expr:
    whole = (pl.lit(rule), pl.lit(field), start, end, before, after)
    return pl.struct(
        value.cast(kind.dtype).alias(kind.name)
        for value, kind in zip(whole, REWRITE.fields, strict=True)
    )


def _prompts(texts: pl.DataFrame) -> pl.DataFrame:
    """Those of `texts` whose prompts are plain, as data/conversion/prompts.py rewrites them."""
    [request] = OLD_REQUESTS_BEFORE
    behind = pl.col("asked").str.strip_prefix(request)
    indent = behind.str.len_chars() - behind.str.strip_chars_start().str.len_chars()
    is_old = pl.col("asked").str.starts_with(request)
    begin = pl.col("asked").str.slice(0, pl.when(is_old).then(indent + len(request)).otherwise(0))
    plain = texts.with_columns(rest=behind.str.strip_chars(), begin=begin).filter(
        pl.col("rest") != "",
        ~pl.col("rest").str.contains(BOX, literal=True),
        _strips_alike("rest"),
        ~_failed("asked"),
    )
    # most datasets have few of these, and what is said of one holds for every row that has it
    kinds = plain.select("system", "begin").unique()
    said = pl.DataFrame(
        [_of_kind(system, begin) for system, begin in kinds.iter_rows()],
        schema={
            "system": pl.String,
            "begin": pl.String,
            "kept": pl.String,
            "prompt_defects": pl.List(DEFECT),
            "prompt_rewrites": pl.List(REWRITE),
        },
    )
    return (
        _without_markers(plain, "rest")
        .join(said, on=["system", "begin"], how="left", maintain_order="left")
        .with_columns(
            prompt=pl.when(pl.col("kept") == "")
            .then(pl.col("rest"))
            .otherwise(pl.concat_str("kept", pl.lit("\n\n"), "rest"))
        )
    )


def _of_kind(system: str, begin: str) -> dict[str, Any]:
    """What `prompts.rewritten` says of a plain prompt that begins with an old request."""
    kept, rewrites, defects = prompts.of_system(system, own_version())
    if begin:
        rewrites = (Rewrite("drop-old-request", "prompt", 0, len(begin), begin, ""), *rewrites)
        old = Defect("prompt still asks for the old format", "prompt", 0, len(begin))
        defects = (old, *defects)
    return {
        "system": system,
        "begin": begin,
        "kept": kept,
        "prompt_defects": [asdict(one) for one in defects],
        "prompt_rewrites": [asdict(one) for one in rewrites],
    }


def _sound(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    """Those of `rows` whose text mixes no scripts and cannot loop."""
    text = pl.col(column).str
    wide = text.len_bytes() != text.len_chars()
    rows = _without(rows, column, wide, lambda few: few.str.contains(FOREIGN))
    return rows.filter(~loops.may_loop_each(rows[column]))


def _answered(rows: pl.DataFrame, rules: frozenset[str]) -> pl.DataFrame:
    """Those of `rows` whose boxes agree, with the columns PLAIN."""
    alone = rows["answer"].str.contains(ONE_BOX) & ~rows["reasoning"].str.contains(
        BOX, literal=True
    )
    rows = pl.concat(
        [_of_one_box(rows.filter(alone), rules), _of_boxes(rows.filter(~alone), rules)]
    )
    at, block = pl.col("answer_start"), pl.col("answer")
    if rules:
        taken = block.str.slice(pl.col("taken_start"), pl.col("taken_end") - pl.col("taken_start"))
        rewrite = _rewrite("answer-from-box", "completion", at, pl.col("answer_end"), block, taken)
        rows = rows.with_columns(
            answer=taken,
            answer_start=at + pl.col("taken_start"),
            answer_end=at + pl.col("taken_end"),
            rewrites=pl.concat_list("prompt_rewrites", rewrite),
        )
    else:
        rows = rows.with_columns(rewrites="prompt_rewrites")
    long = (block.str.len_chars() > SHORT) | block.str.contains("\n", literal=True)
    not_short = _defect("answer not short", "completion", at, pl.col("answer_end"))
    return rows.with_columns(
        defects=pl.when(long)
        .then(pl.concat_list("prompt_defects", not_short))
        .otherwise("prompt_defects")
    ).select(pl.col(name).cast(kind) for name, kind in PLAIN.items())


def _of_one_box(rows: pl.DataFrame, rules: frozenset[str]) -> pl.DataFrame:
    """`rows`, in which all that is boxed is one plain word, with taken_start and taken_end."""
    block = pl.col("answer")
    if not rules:
        return rows.with_columns(
            taken_start=pl.lit(0, pl.Int64), taken_end=block.str.len_chars().cast(pl.Int64)
        )
    begin = block.str.extract(ONE_BOX, 1).str.len_chars() + len(BOX) + 1  # and a brace
    length = block.str.extract(ONE_BOX, 2).str.len_chars()
    return rows.with_columns(
        taken_start=begin.cast(pl.Int64), taken_end=(begin + length).cast(pl.Int64)
    )


def _of_boxes(rows: pl.DataFrame, rules: frozenset[str]) -> pl.DataFrame:
    """Those of `rows` whose answer needs a closer look and stands it, likewise."""
    columns = rows.select("answer", "reasoning", pl.col("begin") != "")
    found = [_answer(text, thought, wants, rules) for text, thought, wants in columns.iter_rows()]
    return rows.with_columns(
        taken_start=pl.Series([at[0] if at else None for at in found], dtype=pl.Int64),
        taken_end=pl.Series([at[1] if at else None for at in found], dtype=pl.Int64),
    ).drop_nulls("taken_start")


def _answer(
    text: str, reasoning: str, wants_box: bool, rules: frozenset[str]
) -> tuple[int, int] | None:
    """Where the answer stands in its block, or None where there is something to say of it."""
    given = boxes(text) if BOX in text else []
    if not given:
        short = len(text) <= SHORT and "\n" not in text
        return None if rules or (wants_box and short) else (0, len(text))
    concluded = boxes(reasoning)[-1:] if BOX in reasoning else []
    if len({same_form(box.text) for box in concluded + given}) > 1:
        return None
    if not rules:
        return 0, len(text)
    last = given[-1]
    start = last.start + len(last.text) - len(last.text.lstrip())
    return start, start + len(last.text.strip())
