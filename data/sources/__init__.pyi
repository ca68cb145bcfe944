from .cards import name_of_files as name_of_files
from .files import (
    Rejected as Rejected,
    Row as Row,
    files_in as files_in,
    looks_like_a_place as looks_like_a_place,
    rows_at_most as rows_at_most,
    rows_of as rows_of,
    skipped_in as skipped_in,
)
from .row_shapes import WrongShape as WrongShape, turns as turns
