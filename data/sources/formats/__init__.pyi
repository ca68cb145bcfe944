from .csv import csv_rows as csv_rows
from .jsonl import (
    KeyTwice as KeyTwice,
    jsonl_rows as jsonl_rows,
    object_of_pairs as object_of_pairs,
)
from .parquet import parquet_rows as parquet_rows
from .rows import Rejected as Rejected, Row as Row
from .splits import TRAIN as TRAIN, split_of_folder as split_of_folder
