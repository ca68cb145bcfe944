from .conversions import (
    RECORD as RECORD,
    TEXTS as TEXTS,
    Part as Part,
    convert_records as convert_records,
    convert_rows as convert_rows,
)
from .convert_file import batched as batched
from .tallies import counts as counts
from .trainable import candidates as candidates, examples as examples, problems as problems
