from .best import BestAdapters as BestAdapters, RecentAdapters as RecentAdapters
from .resume import TrainingState as TrainingState, refuse_changes as refuse_changes
