"""Hostile texts take time in proportion to their length in every function that reads texts.

Models that loop write such texts. A call may take many times what it takes today [CPU time of this
process, whatever else runs], and a function of quadratic time takes longer.
"""

import gc
import signal
from collections.abc import Callable

import pytest

from data.conversion.boxes import boxes, comparable
from data.conversion.convert import convert
from data.duplicates.loops import loop_in
from data.duplicates.near_duplicates import repeats
from data.duplicates.normalize import masked, words
from data.duplicates.overlap import overlaps
from evals.failures.arithmetic import slips
from evals.failures.categories import categories
from evals.graders import GRADERS
from evals.graders.extract import find_answer
from workbench.app.components.rendered import markdown
from workbench.app.components.text import folded
from workbench.formatting.marks import visible

LENGTH = 12_000  # characters
MOST_SECONDS = 0.5  # of one call, which takes some milliseconds
LOOP = f"{'go on and on ' * 40}\n"  # so that loops are looked for
PIECES = (
    " ", "\t", "\n", " \n", "\r", "$", ".", "1 ", "1,", "1/", "1=", "-", "{", "}", "\\", "\\(",
    "\\[", "$$", "\\boxed{", "\\text{", "<think>", "</think>", "<answer>", "answer is ",
    "final answer is 1 ", "#### ", "`", "```\n", "<", "&#60;", "x", "7", "the ", "\u0301", "\u00bd",
)  # fmt: skip


def categorised(text: str) -> None:
    score = GRADERS["strict"].grade("", "5")
    categories(text, "q", "5", "stop", score, score)


def converts(text: str) -> None:
    twice = f"<think>{text}</think>{text}"
    convert({"prompt": "q", "completion": twice}, "completion")
    convert({"prompt": text, "completion": "<think>a</think>b"}, "completion")
    convert({"question": "q", "answer": f"{text}#### 5"}, "gsm8k")


READERS: dict[str, Callable[[str], object]] = {
    "words": lambda text: masked(words(text)),
    "near duplicates": lambda text: repeats([text, f"{text} y"], near=True),
    "overlaps": lambda text: overlaps([text], [f"{text} x"]),
    "loops": loop_in,
    "boxes": lambda text: (boxes(text), comparable(text)),
    "conversion": converts,
    "strict": lambda text: GRADERS["strict"].grade(
        f"<reasoning>r</reasoning><answer>{text}</answer>", "5"
    ),
    "lenient": lambda text: GRADERS["lenient"].grade(text, "5"),
    "notebook": lambda text: GRADERS["notebook"].grade(text, "5"),
    "find_answer": lambda text: find_answer(text, gold_is_number=False),
    "categories": categorised,
    "slips": slips,
    "pages": lambda text: (markdown(text), folded(text), visible(text)),
}


class TooSlow(Exception):
    pass


def stop(*_: object) -> None:
    raise TooSlow


@pytest.mark.parametrize("reader", READERS)
def test_a_text_of_the_same_piece_again_and_again_takes_linear_time(reader):
    before = signal.signal(signal.SIGVTALRM, stop)
    gc.disable()  # it would count all that other tests left, and drop what `stop` raises
    try:
        for piece in PIECES:
            text = f"{LOOP}{piece * (LENGTH // len(piece))}\nx!"
            signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
            try:
                READERS[reader](text)
            except TooSlow:
                pytest.fail(f"{reader} of {piece!r} takes more than {MOST_SECONDS} s")
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        gc.enable()
        signal.signal(signal.SIGVTALRM, before)
