from .equality import same_value as same_value
from .words import (
    NUMBER_WORDS as NUMBER_WORDS,
    ONES as ONES,
    SCALES as SCALES,
    SCALE_WORDS as SCALE_WORDS,
    SMALL_NUMBERS as SMALL_NUMBERS,
    TENS as TENS,
)
