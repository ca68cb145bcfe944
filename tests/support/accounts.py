"""What must be true of every conversion, whatever the row: nothing invented, nothing lost."""

from data.conversion.convert import Conversion
from data.conversion.dialects.markers import markers_and_nearly
from data.conversion.dialects.table import BUNDLED, DialectTable

OUTSIDE = ("text outside the blocks", "answer in tags of no dialect")


def lost(text: str, conversion: Conversion, table: DialectTable = BUNDLED) -> list[str]:
    """Stretches of `text` that neither an example's blocks nor its defects and markers cover."""
    if conversion.example is None:
        return []  # the row is kept whole
    dialect = table.dialects[conversion.dialect or ""]
    own = {*dialect.markers, *dialect.glue}
    spans = [(conversion.example.reasoning.start, conversion.example.reasoning.end)]
    spans += [(conversion.example.answer.start, conversion.example.answer.end)]
    spans += [(r.start, r.end) for r in conversion.rewrites if r.rule == "answer-from-box"]
    spans += [(d.start, d.end) for d in conversion.defects if d.phrase in OUTSIDE]
    spans += [
        (m.start, m.end)
        for m in markers_and_nearly(text, table)[0]
        if m.text in own and not m.quoted
    ]
    stretches, at = [], 0
    for start, end in sorted([*spans, (len(text), len(text))]):
        if start > at and text[at:start].strip():
            stretches.append(text[at:start])
        at = max(at, end)
    return stretches


def faults(row: dict[str, str], conversion: Conversion, table: DialectTable = BUNDLED) -> list[str]:
    """What is wrong with the conversion of a row with a prompt, a completion and no system."""
    text, problems = row["completion"], []
    if (conversion.example is None) != (conversion.reason is not None):
        problems.append("neither an example nor quarantined for a reason, or both")
    for defect in conversion.defects:
        whole = len(row.get(defect.field, text))
        if not 0 <= defect.start <= defect.end <= whole:
            problems.append(f"{defect} stands outside its text")
    if conversion.example is not None:
        for span in (conversion.example.reasoning, conversion.example.answer):
            if not span.text or text[span.start : span.end] != span.text:
                problems.append(f"{span} is not verbatim")
    for rewrite in conversion.rewrites:
        source = row[rewrite.field]
        if source[rewrite.start : rewrite.end] != rewrite.before:
            problems.append(f"{rewrite} says another text than stood there")
    return problems + [f"lost: {piece!r}" for piece in lost(text, conversion, table)]
