"""Random texts through the reader of numbers: python -m benchmarks.fuzzers.numbers --texts 1000000

Texts are put together from digits, signs, units, words, LaTeX and odd characters. Each is read as
an answer, as prose, as a numeral of a base and as a class of numbers, and is compared with another;
the last announcement in it is looked for, and it stands around a box. Any exception ends the
program with the text. The object printed has the texts by how they read, and the longest time of
one [ms].
"""

import argparse
import json
import random
import time
from collections import Counter

from data.numbers import read_answer, same_value
from data.numbers.beside import in_context
from data.numbers.notation import are_numerals, clock, has_base, moduli, same_numeral
from data.numbers.prose import last_quantity
from evals.graders import last_announcement

PIECES = (
    *"0123456789ABFafx+-*/^=%$.,:;!?()[]{}_ \n",
    *"\u2261\u2248\u00b1\u00bd\u00b2\u2081\u0663\u4e07\u2014\u221a\u03c0\u00b0",
    *("12", "1,234", "1.234", "0x", "FF", "10^{3}", "3.5e2", "1/2", "half", "two", "hundred"),
    *("dozen", "million", "percent", " per cent", " mod ", "(mod ", "\\pmod ", "\\pmod{"),
    *("\\bmod ", "\\equiv ", "_{16}", "_2", " base ", "\\frac{1}{2}", "\\frac{", "\\boxed{"),
    *("\\text{", "\\overline{3}", "\\sqrt", "km/h", " cm", " hours", " 30 minutes", "am", "p.m."),
    *("less", "more than", "not ", " or ", " and ", "The answer is ", "#### ", "Answer: "),
    *("\u7b54\u6848", "x = ", "f(", "is wrong", "minus ", "!", "'"),
)  # fmt: skip


def text(rng: random.Random) -> str:
    pieces = rng.choices(PIECES, k=rng.choice((1, 2, 3, 4, 5, 6, 8, 12)))
    return "".join(pieces) * rng.choices((1, 20), (63, 1))[0]


def kind_of(answer: str, gold: str) -> str:
    """How `answer` reads; every way to read it is taken."""
    last_quantity(answer)
    last_announcement(answer, gold_is_number=True)
    last_announcement(answer, gold_is_number=False)
    clock(answer)
    moduli(answer)
    same_value(answer, gold)
    middle = len(gold) % (len(answer) + 1)
    boxed = f"{answer[:middle]}\\boxed{{2}}{answer[middle:]}"
    in_context(boxed, middle, middle + len("\\boxed{2}"), "2")
    if has_base(answer) or are_numerals(answer, gold):
        same_numeral(answer, gold)
    reading = read_answer(answer)
    if reading.value is not None:
        return "one number"
    return "unreadable" if reading.alternatives is None else "several numbers or none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    kinds: Counter[str] = Counter()
    slowest, gold = 0.0, "5"
    begin = time.monotonic()
    for number in range(options.texts):
        answer = text(rng)
        start = time.process_time()
        try:
            kinds[kind_of(answer, gold)] += 1
        except Exception as error:
            raise SystemExit(f"text {number}: {error!r}: {answer!r} and {gold!r}") from error
        slowest = max(slowest, time.process_time() - start)
        gold = answer
    print(json.dumps({"texts": options.texts, **kinds, "seconds": round(time.monotonic() - begin),
                      "slowest_ms": round(slowest * 1e3, 1)}))  # fmt: skip


if __name__ == "__main__":
    main()
