from .bases import (
    BASE as BASE,
    are_numerals as are_numerals,
    has_base as has_base,
    same_numeral as same_numeral,
)
from .congruences import Moduli as Moduli, moduli as moduli
from .markup import without_markup as without_markup
from .repeating_decimals import repeating_decimal as repeating_decimal
from .time_of_day import clock as clock, same_time as same_time
