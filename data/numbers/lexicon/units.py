"""Units, currencies and scales: the words and letters that may stand beside a number."""

from data.numbers.lexicon.languages import SCALES_OF_LANGUAGES


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


CURRENCY_SIGNS = "$\u20ac\u00a3\u00a5\u20b9\u20a9\u20bd\u20ba\u20ab\u0e3f\u20a6\u20b1\u20aa\u20b4"
CURRENCY_CODES = _words(
    "usd us eur gbp jpy cny rmb inr cad aud nzd chf sek nok dkk krw mxn brl rs hk hkd"
)

# Written after a number, with or without a space. The value counts, and the bare number may.
SCALE_NAMES = {
    "dozen": 12,
    "hundred": 10**2,
    "thousand": 10**3,
    "k": 10**3,
    "lakh": 10**5,
    "lac": 10**5,
    "million": 10**6,
    "mio": 10**6,
    "mn": 10**6,
    "mln": 10**6,
    "crore": 10**7,
    "billion": 10**9,
    "bn": 10**9,
    "trillion": 10**12,
    "tn": 10**12,
}
SCALE_NAMES |= {f"{word}s": size for word, size in SCALE_NAMES.items() if len(word) > 4}
SCALE_NAMES |= SCALES_OF_LANGUAGES
CAPITAL_SCALES = {"M": 10**6, "MM": 10**6, "B": 10**9, "T": 10**12}  # 5 m are metres
MONEY_SCALES = {"m": 10**6, "b": 10**9, "t": 10**12}  # after a currency: $5m

WORLD_SCALES = {  # attached or not: Korean, Hindi and Russian
    "\ub9cc": 10**4,
    "\uc5b5": 10**8,
    "\uc870": 10**12,
    "\ucc9c": 10**3,
    "\u0932\u093e\u0916": 10**5,
    "\u0915\u0930\u094b\u0921\u093c": 10**7,
    "\u0939\u091c\u093e\u0930": 10**3,
    "\u0442\u044b\u0441": 10**3,
    "\u043c\u043b\u043d": 10**6,
    "\u043c\u043b\u0440\u0434": 10**9,
}

PERCENT = {"%": 100, "\u2030": 1_000}
PERCENT_WORDS = frozenset({"percent", "pct", "percentage", "pp"})

ORDINALS = frozenset({"st", "nd", "rd", "th"})

# Units that may stand directly after the digits, or after a space though they are short.
UNITS = _words(
    # length, area, volume
    "mm cm dm m km nm um in ft yd mi ha ac sq cu ml cl dl l L mL cc oz fl pt qt gal tsp tbsp"
    # mass, time, speed, temperature, angle
    " mg g kg lb lbs t s sec secs min mins h hr hrs d wk wks mo mos yr yrs ms ns us am pm"
    " mph kph kmh fps rpm bpm C F K deg rad"
    # physics, data, money
    " N J kJ W kW MW kWh Wh V A Hz kHz MHz GHz Pa kPa mol cal kcal kb mb gb tb KB MB GB TB"
    " px pts ct cts c p kn hp"
    # counters of Chinese, Japanese and Korean
    " \u5143 \u5186 \u5706 \u5757 \u4eba \u4e2a \u500b \u5e74 \u6708 \u65e5 \u5929"
    " \u672c \u6761 \u5f20 \u53ea \u4ef6 \u5c81 \u6b21 \u679a \u56de \u6642\u9593 \u5c0f\u65f6"
    " \u5206\u949f \u7c73 \u5343\u514b \u514b \u5398\u7c73 \u516c\u91cc \uc6d0 \uba85 \uac1c"
)
# The letters among them; any other letter after a number is a variable: 5x, 2 y.
UNIT_LETTERS = frozenset("mglhsLpcdtCFKNJWVA")
# Words that change the number beside them, so that it is not read alone.
CHANGES_AFTER = _words("squared cubed factorial pi \u03c0 theta sqrt root mod modulo choose")
# Words after `5 times` that name what is multiplied; 5 times alone is a count.
COMPARED = _words(
    "the that this those these what as more less fewer larger greater bigger longer faster older"
    " higher heavier smaller its his her their my our your"
)
FUNCTIONS = _words(
    "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp sqrt cbrt lim max"
    " min mod gcd lcm det"
)
MODULO = _words("mod modulo")
# Words before `of` that change the number behind it: the square root of 5.
CHANGES_OF = _words(
    "root cube square reciprocal inverse negative opposite factorial logarithm multiple multiples"
    " factor factors divisor divisors power fraction remainder"
)
MINUS_WORDS = _words("\u8d1f \u8ca0 \u4e0b")  # Chinese: negative, below zero
DENIALS = _words(
    "wrong incorrect false impossible not too unclear unknown uncertain doubtful"
)  # of `5 is too low`
INVERTIBLE = _words("log ln lg exp sqrt cbrt")  # of an unknown: \\log x = 5 is not solved
BOUNDS_BEFORE = _words("than least most over under below above exceeding exceeds beyond within")
BEFORE_MINUS = _words("is was are be to of equals at get gives by and or than from")  # else a dash
NEGATIONS = _words(
    "not isn't isnt never neither nor except cannot can't couldn't doesn't don't shouldn't won't"
    " wouldn't wasn't unlikely impossible"
)
# Words between a denial and what it denies: cannot be 5, not equal to 5, impossible to get 5.
AFTER_NEGATION = _words(
    "counting including be been equal equals to get the a an answer number exactly necessarily"
    " simply just really possibly actually is have"
)
# Two words that deny what follows: anything but 5, different from 5.
DENYING_PAIRS = frozenset({("anything", "but"), ("different", "from"), ("other", "than")})
MULTIPLES = _words(
    "twice double doubled triple tripled thrice half halves thirds quarters dozen dozens hundred"
    " hundreds thousand thousands million millions billion billions trillions"
)
