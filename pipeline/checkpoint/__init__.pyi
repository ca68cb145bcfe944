from .best import BestAdapters as BestAdapters
from .resume import (
    CannotResume as CannotResume,
    TrainingState as TrainingState,
    refuse_others as refuse_others,
)
