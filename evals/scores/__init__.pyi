from .grade import (
    AT_A_TIME as AT_A_TIME,
    NO_GOLD as NO_GOLD,
    UnknownRun as UnknownRun,
    grade_missing as grade_missing,
    graded as graded,
)
from .labels import against_labels as against_labels
from .problems import Problems as Problems, hash_of_rows as hash_of_rows, problems_of as problems_of
from .read import (
    FIRST_STAGES as FIRST_STAGES,
    NothingInCommon as NothingInCommon,
    by_stage as by_stage,
    in_common as in_common,
    scored as scored,
    scored_stage as scored_stage,
    scores_named as scores_named,
    scores_of as scores_of,
)
