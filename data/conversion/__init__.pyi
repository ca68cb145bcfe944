from .blocks import find_blocks as find_blocks
from .boxes import (
    Box as Box,
    is_left_open as is_left_open,
    last_box as last_box,
    last_opening as last_opening,
)
from .convert import (
    RULES as RULES,
    VERSION as VERSION,
    Conversion as Conversion,
    Example as Example,
    converter_version as converter_version,
)
from .convert_source import BATCH as BATCH, Converter as Converter
from .defects import SEVERITY as SEVERITY, WARNING as WARNING
from .prompts import Rewrite as Rewrite
