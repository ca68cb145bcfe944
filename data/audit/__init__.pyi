from .quarantine import NoSuchRecord as NoSuchRecord, find as find
from .spans import (
    ANSWER as ANSWER,
    REASONING as REASONING,
    Mark as Mark,
    Piece as Piece,
    fields_of as fields_of,
    pieces as pieces,
)
