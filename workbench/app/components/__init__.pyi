from .generation import VERDICT as VERDICT
from .sankey import flow as flow
from .text import (
    ends as ends,
    folded as folded,
    plain as plain,
    plain_columns as plain_columns,
    shortened as shortened,
)
