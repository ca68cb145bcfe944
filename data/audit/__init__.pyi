from .quarantine import (NoSuchRecord as NoSuchRecord, find as find)
from .spans import (ANSWER as ANSWER, Mark as Mark, Piece as Piece, REASONING as REASONING, fields_of as fields_of, pieces as pieces)
