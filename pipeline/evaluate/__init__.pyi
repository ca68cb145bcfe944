from .answers import (
    Evaluation as Evaluation,
    Kept as Kept,
    keep as keep,
    keep_lacking as keep_lacking,
)
from .evaluate import fitting as fitting, store_evaluation as store_evaluation
from .outcomes import Answer as Answer, LeftOut as LeftOut
from .token_counts import count as count
