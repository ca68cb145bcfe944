from .convert import RULES as RULES, VERSION as VERSION, converter as converter
from .convert_source import (
    BATCH as BATCH,
    batched as batched,
    candidates as candidates,
    convert_file as convert_file,
    convert_rows as convert_rows,
    examples as examples,
    problems as problems,
)
from .defects import SEVERITY as SEVERITY, WARNING as WARNING
from .loops import loop_in as loop_in
