"""Words that join the clauses of a sentence, and those between a preposition and its number."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONCLUSIONS = _words("so therefore thus hence consequently altogether then now finally")
BEFORE_NUMBERS = _words(
    "a an the about around approximately roughly only just exactly nearly almost his her its their"
    " our my your these those all each every first last next another other same"
)
PREPOSITIONS = _words(
    "for in at on per with by from to after before during within over among between into out off"
    " under of until till through via against toward towards than using"
)
SUBORDINATORS = _words(
    "if when because since as while after before until assuming given where although though unless"
    " once whereas considering compared instead plus versus"
)
TOTALS = _words("total sum profit amount average maximum minimum remainder")  # a total of 5
