from .grpo import Prompt as Prompt, prompt_batches as prompt_batches
from .loggers import writers as writers
from .metrics import StoreMetrics as StoreMetrics
from .rewards import judged as judged, rewards_of as rewards_of
from .sft import Example as Example, NoBar as NoBar, optimizer as optimizer
