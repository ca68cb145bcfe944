from .cards import check_source as check_source, own_card as own_card
from .column_mapping import parse_columns as parse_columns
from .files import (
    Rejected as Rejected,
    Row as Row,
    estimated_rows as estimated_rows,
    files_in as files_in,
    looks_like_a_path as looks_like_a_path,
    name_of_files as name_of_files,
    rows_of as rows_of,
    skipped_in as skipped_in,
)
from .ingest import ingest_rows as ingest_rows
from .ingested import has_read as has_read, has_records as has_records, readings as readings
from .row_shapes import WrongShape as WrongShape, turns as turns
