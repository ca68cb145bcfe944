from .equality import same_value as same_value
from .words import (
    NUMBER_WORDS as NUMBER_WORDS,
    ONES as ONES,
    SCALE_WORDS as SCALE_WORDS,
    SCALES as SCALES,
    SMALL_NUMBERS as SMALL_NUMBERS,
    TENS as TENS,
)
