from .formats import json_lines as json_lines
from .import_file import (
    PROBLEMS as PROBLEMS,
    refuse_reserved as refuse_reserved,
    refuse_unfinished as refuse_unfinished,
)
from .problems import (
    NO_LETTER as NO_LETTER,
    add_problems as add_problems,
    ids_of_problems as ids_of_problems,
)
from .records import (
    Line as Line,
    Rejection as Rejection,
    UnusableRow as UnusableRow,
    gold_of_targets as gold_of_targets,
    problem_id_of as problem_id_of,
    text_of as text_of,
)
