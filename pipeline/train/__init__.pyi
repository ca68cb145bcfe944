from .loggers import writers as writers
from .metrics import StoreMetrics as StoreMetrics, TrainingRun as TrainingRun
from .optimizer import adamw as adamw
from .rewards import judge as judge, rewards_of as rewards_of
from .step import jitted_step as jitted_step
