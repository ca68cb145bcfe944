from .best import BestAdapters as BestAdapters
from .resume import TrainingState as TrainingState, refuse_changes as refuse_changes
