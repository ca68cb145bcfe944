from .loops import loop_in as loop_in
from .near_duplicates import repeats as repeats
from .normalize import words as words
from .overlap import KINDS as KINDS, Overlaps as Overlaps, overlaps as overlaps
from .training_texts import problems_of as problems_of, trained_on as trained_on
