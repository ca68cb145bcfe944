"""Units of one measure with their sizes: 90 minutes are 1.5 hours, and 5 m are not 5 km."""

from fractions import Fraction

Size = int | Fraction

# Of each measure the names of its units and their size. A name may belong to several measures.
_MEASURES: dict[str, dict[str, Size]] = {
    "time": {
        "week wk": 604_800, "fortnight": 1_209_600, "day": 86_400, "hour hr h": 3_600,
        "minute min": 60, "second sec s": 1, "millisecond ms": Fraction(1, 1_000),
        "microsecond": Fraction(1, 10**6), "nanosecond ns": Fraction(1, 10**9),
    },
    "months": {"month mo": 1, "year yr": 12, "decade": 120, "century centurie": 1_200},
    "length": {
        "kilometer kilometre km": 10**6, "meter metre m": 1_000, "decimeter decimetre dm": 100,
        "centimeter centimetre cm": 10, "millimeter millimetre mm": 1,
        "micrometer micrometre um": Fraction(1, 1_000),
        "nanometer nanometre nm": Fraction(1, 10**6),
        "inch inche in": Fraction(254, 10), "foot feet ft": Fraction(3_048, 10),
        "yard yd": Fraction(9_144, 10), "mile mi": 1_609_344,
    },
    "mass": {
        "tonne t": 10**6, "kilogram kilo kg": 1_000, "gram g": 1,
        "milligram mg": Fraction(1, 1_000), "pound lb": Fraction(45_359_237, 10**5),
        "ounce oz": Fraction(45_359_237, 1_600_000), "stone": Fraction(45_359_237 * 14, 10**5),
    },
    "volume": {
        "liter litre l": 1_000, "deciliter decilitre dl": 100, "centiliter centilitre cl": 10,
        "milliliter millilitre ml cc": 1,
    },
    "American volume": {
        "gallon gal": 768, "quart qt": 192, "pint pt": 96, "cup": 48, "tablespoon tbsp": 3,
        "teaspoon tsp": 1, "ounce oz": 6,
    },
    "dollars": {"dollar $ usd buck": 100, "cent \u00a2 c ct": 1},
    "euros": {"euro eur \u20ac": 100, "cent ct": 1},
    "pounds": {"pound gbp \u00a3 quid": 100, "penny penni pence p": 1},
    "rupees": {"rupee \u20b9 rs inr": 100, "paisa paise": 1},
    "yen": {"yen jpy \u00a5 \u5186": 1},
    "yuan": {"yuan rmb cny \u00a5 \u5143": 1},
    "won": {"won krw \u20a9 \uc6d0": 1},
    "percent": {"% percent pct": 10, "\u2030": 1},
    "angle": {"degree deg \u00b0": 1},
    "temperature": {"degree \u00b0": 1},
    "bytes": {
        "byte": 1, "kilobyte kb": 10**3, "megabyte mb": 10**6, "gigabyte gb": 10**9,
        "terabyte tb": 10**12,
    },
}  # fmt: skip

# Name of a unit -> the measures that it belongs to, with its size.
MEASURES_OF: dict[str, dict[str, Size]] = {}
for _measure, _units in _MEASURES.items():
    for _names, _size in _units.items():
        for _name in _names.split():
            MEASURES_OF.setdefault(_name, {})[_measure] = _size


def unit_name(word: str) -> str:
    """The name of a unit without the s of the plural; "" where the word is no unit."""
    lower = word.lower()
    for name in (lower, lower.removesuffix("s")):
        if name in MEASURES_OF:
            return name
    return ""
