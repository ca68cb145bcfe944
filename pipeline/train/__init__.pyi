from .loggers import writers as writers
from .metrics import StoreMetrics as StoreMetrics
from .optimizer import adamw as adamw
from .rewards import judged as judged, rewards_of as rewards_of
from .sft import NoBar as NoBar
from .step import pure as pure
