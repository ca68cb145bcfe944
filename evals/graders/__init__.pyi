from .numbers import (
    Number as Number,
    parse_number as parse_number,
    read_answer as read_answer,
    within_ten_percent as within_ten_percent,
)
from .rules import (
    DEFAULT_GRADER as DEFAULT_GRADER,
    GRADERS as GRADERS,
    Score as Score,
    gold_number as gold_number,
    grader as grader,
)
