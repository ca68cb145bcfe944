from .announcements import last_announcement as last_announcement
from .compare import gold_number as gold_number, within_ten_percent as within_ten_percent
from .extract import well_formed as well_formed
from .rules import (
    DEFAULT_GRADER as DEFAULT_GRADER,
    GRADERS as GRADERS,
    Grader as Grader,
    Score as Score,
    grader as grader,
)
from .targets import (
    gold_numbers as gold_numbers,
    joined_targets as joined_targets,
    targets_of as targets_of,
)
from .thought import after_thought as after_thought, thoughts as thoughts
