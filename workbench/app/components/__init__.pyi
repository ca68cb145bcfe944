from .generation import VERDICT as VERDICT
from .reading import RAW as RAW, is_raw as is_raw, show_text as show_text, switches as switches
from .rendered import escaped as escaped
from .sankey import flow as flow
from .text import (
    ends as ends,
    plain as plain,
    plain_columns as plain_columns,
    shortened as shortened,
)
