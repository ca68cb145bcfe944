from .best import BestAdapters as BestAdapters
from .resume import TrainingState as TrainingState, refuse_others as refuse_others
