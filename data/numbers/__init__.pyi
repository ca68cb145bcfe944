from .decimals import Number as Number
from .equality import comparable as comparable, same_value as same_value
from .neighbours import BESIDE as BESIDE, InContext as InContext, in_context as in_context
from .number import (
    CALCULATION as CALCULATION,
    EXPRESSION as EXPRESSION,
    RATIO as RATIO,
    VARIABLE as VARIABLE,
)
from .prose import last_quantity as last_quantity
from .read import (
    BOUND as BOUND,
    NOT_SOLVED as NOT_SOLVED,
    Reading as Reading,
    may_mean_another as may_mean_another,
    parse_number as parse_number,
    parse_plain_number as parse_plain_number,
    read_answer as read_answer,
)
