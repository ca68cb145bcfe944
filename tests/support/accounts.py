"""What must be true of every conversion, whatever the row: nothing invented, nothing lost."""

from data.conversion.convert import Conversion
from data.conversion.dialects import BUNDLED, DialectTable
from data.conversion.markers import markers_in


def lost(text: str, made: Conversion, table: DialectTable = BUNDLED) -> list[str]:
    """Stretches of `text` that neither an example's blocks nor its defects and markers cover."""
    if made.example is None:
        return []  # the row is kept whole
    dialect = table.dialects[made.dialect or ""]
    own = {*dialect.markers, *dialect.glue}
    spans = [(made.example.reasoning.start, made.example.reasoning.end)]
    spans += [(made.example.answer.start, made.example.answer.end)]
    spans += [(r.start, r.end) for r in made.rewrites if r.rule == "answer-from-box"]
    spans += [(d.start, d.end) for d in made.defects if d.phrase == "text outside the blocks"]
    spans += [(m.start, m.end) for m in markers_in(text, table) if m.text in own and not m.quoted]
    found, at = [], 0
    for start, end in sorted([*spans, (len(text), len(text))]):
        if start > at and text[at:start].strip():
            found.append(text[at:start])
        at = max(at, end)
    return found


def faults(row: dict[str, str], made: Conversion, table: DialectTable = BUNDLED) -> list[str]:
    """What is wrong with the conversion of a row with a prompt, a completion and no system."""
    text, found = row["completion"], []
    if (made.example is None) != (made.reason is not None):
        found.append("neither an example nor quarantined for a reason, or both")
    for defect in made.defects:
        whole = len(row.get(defect.field, text))
        if not 0 <= defect.start <= defect.end <= whole:
            found.append(f"{defect} stands outside its text")
    if made.example is not None:
        for span in (made.example.reasoning, made.example.answer):
            if not span.text or text[span.start : span.end] != span.text:
                found.append(f"{span} is not verbatim")
    for rewrite in made.rewrites:
        source = row[rewrite.field]
        if source[rewrite.start : rewrite.end] != rewrite.before:
            found.append(f"{rewrite} says another text than stood there")
    return found + [f"lost: {piece!r}" for piece in lost(text, made, table)]
