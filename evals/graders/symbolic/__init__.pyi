from .inequalities import IS_INTERVAL as IS_INTERVAL, as_interval as as_interval
from .latex_symbols import in_latex as in_latex, left_out as left_out
from .math_verify import compare_symbols as compare_symbols
from .worker import READ_IN_PART as READ_IN_PART
