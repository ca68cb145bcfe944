from .heldout import Best as Best, Heldout as Heldout
from .loggers import writers as writers
from .metrics import StoreMetrics as StoreMetrics, TrainingRun as TrainingRun
from .optimizer import adamw as adamw
from .step import jitted_step as jitted_step
