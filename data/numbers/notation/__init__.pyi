from .alone import stands_alone as stands_alone
from .bases import (
    BASE as BASE,
    are_numerals as are_numerals,
    has_base as has_base,
    same_numeral as same_numeral,
)
from .congruences import Moduli as Moduli, moduli as moduli
from .denials import denied_from as denied_from, denied_until as denied_until
from .formulas import (
    formula_around as formula_around,
    formula_bounds as formula_bounds,
    inside_dollars as inside_dollars,
    joined_formulas as joined_formulas,
)
from .markup import without_markup as without_markup
from .repeating_decimals import repeating_decimal as repeating_decimal
from .sentence import (
    MARK as MARK,
    Line as Line,
    before_box as before_box,
    behind_box as behind_box,
    line_of_box as line_of_box,
)
from .spoken_times import spoken_time as spoken_time
from .time_of_day import clock as clock, same_time as same_time, time_around as time_around
from .tokens import END as END, MAX_TOKENS as MAX_TOKENS, Token as Token, tokens_of as tokens_of
