from .blocks import find_blocks as find_blocks
from .boxes import (
    Box as Box,
    is_left_open as is_left_open,
    last_box as last_box,
    last_opening as last_opening,
)
from .convert import RULES as RULES, VERSION as VERSION, converter_version as converter_version
from .convert_file import batched as batched
from .convert_source import (
    BATCH as BATCH,
    candidates as candidates,
    convert_rows as convert_rows,
    examples as examples,
    problems as problems,
)
from .defects import SEVERITY as SEVERITY, WARNING as WARNING
