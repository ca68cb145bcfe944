"""Defects: one fixed phrase for each kind of damage, with its severity and its position."""

from dataclasses import dataclass

ERROR, WARNING = "error", "warning"  # an error quarantines the row; a warning does not

# Of several errors, the one that stands first here is the reason of the quarantine.
SEVERITY = {
    "not a row": ERROR,  # a line that is not a JSON object, or has too many fields
    "wrong shape": ERROR,  # a turn, a column or its text is missing
    "more than one turn": ERROR,
    "turn that is not to be trained on": ERROR,  # its weight is 0, or that of its row
    "unclear whether to train on the turn": ERROR,  # a weight that is no number, yes or no
    "prompt empty": ERROR,
    "error text instead of content": ERROR,  # the error message of a server, or a refusal
    "markers escaped as HTML": ERROR,
    "thought never closed": ERROR,
    "thought never opened": ERROR,
    "thought in a details block": ERROR,  # as chat programs export it: its lines are quoted
    "answer never opened": ERROR,
    "order reversed": ERROR,
    "two answers that differ": ERROR,  # answer blocks, boxes of the answer, or thought's box
    "doubled block": ERROR,
    "no thinking": ERROR,  # no marker of a thought, or an empty thought
    "answer only inside the reasoning": ERROR,
    "answer empty": ERROR,
    "placeholder instead of an answer": ERROR,  # N/A, I don't know, [answer]
    "no answer": ERROR,
    "text cut off": ERROR,  # an answer without its closer, or an end in mid-sentence
    "leaked chat-template tokens": ERROR,
    "residue of old markers": ERROR,
    "markers of the new format inside": ERROR,  # the completion would have more than two blocks
    "repetition loop": ERROR,
    "two answers that may differ": WARNING,  # boxes whose values cannot be compared
    "answer may be a placeholder": WARNING,  # none, Na, undefined: also said of things
    "answer in tags of no dialect": WARNING,  # left out if they stand around the whole answer
    "chat template around the prompt": WARNING,  # removed
    "later turns left out": WARNING,  # by the rule first-exchange
    "unclear whether to train on the row": WARNING,  # a column `weight` may mean something else
    "marker misspelt": WARNING,  # nearly a marker; an error if the row has no real one
    "mixed dialects": WARNING,  # a marker of another dialect that structures the text
    "text outside the blocks": WARNING,  # left out of the example
    "marker quoted in the text": WARNING,
    "notes of the old format": WARNING,  # such as a thinking budget; stays in the reasoning
    "boxed answer missing": WARNING,  # the rule answer-from-box makes it an error
    "prompt still asks for the old format": WARNING,  # removed if it is a known sentence
    "system prompt of the old format": WARNING,  # left out of the example
    "mixed scripts": WARNING,
    "answer not short": WARNING,
}
ORDER = {phrase: index for index, phrase in enumerate(SEVERITY)}


@dataclass(frozen=True)
class Defect:
    """`phrase` of SEVERITY, at [start, end) of the field: prompt, system, completion or row."""

    phrase: str
    field: str
    start: int
    end: int
    severity: str = ""

    def __post_init__(self) -> None:
        if not self.severity:
            object.__setattr__(self, "severity", SEVERITY[self.phrase])


def in_order(defects: list[Defect]) -> tuple[Defect, ...]:
    """Errors first, in the order of SEVERITY, then by position."""
    return tuple(
        sorted(defects, key=lambda d: (d.severity != ERROR, ORDER[d.phrase], d.start, d.end))
    )
