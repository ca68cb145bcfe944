from .decimals import (
    MAX_DIGITS as MAX_DIGITS,
    Number as Number,
    is_writable as is_writable,
    parse_decimal as parse_decimal,
    power as power,
)
from .equality import comparable as comparable, same_value as same_value
from .equations import is_unsolved as is_unsolved, start_of_function as start_of_function
from .read import (
    BOUND as BOUND,
    NOT_SOLVED as NOT_SOLVED,
    Reading as Reading,
    may_mean_another as may_mean_another,
    parse_number as parse_number,
    parse_plain_number as parse_plain_number,
    read_answer as read_answer,
)
