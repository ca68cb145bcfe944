from .loggers import writers as writers
from .metrics import StoreMetrics as StoreMetrics, TrainingRun as TrainingRun
from .optimizer import adamw as adamw
from .past_guards import past_signs as past_signs
from .step import jitted_step as jitted_step
