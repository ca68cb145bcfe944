from .answers import (
    Answer as Answer,
    Evaluation as Evaluation,
    Latch as Latch,
    Tally as Tally,
    Unanswered as Unanswered,
    complete_missing as complete_missing,
    store_answers as store_answers,
    write_unanswered as write_unanswered,
)
from .evaluate import Fitting as Fitting, fitting as fitting, store_evaluation as store_evaluation
from .token_counts import count_tokens as count_tokens
from .token_scores import Completed as Completed, scored_tokens as scored_tokens
