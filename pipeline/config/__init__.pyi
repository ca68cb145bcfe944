from .checks import (
    BadConfig as BadConfig,
    above as above,
    at_least as at_least,
    check_choices as check_choices,
)
from .data import DataConfig as DataConfig
from .dpo import OUTSIDE as OUTSIDE, DpoConfig as DpoConfig
from .evaluation import GRADERS as GRADERS, EvalConfig as EvalConfig
from .grpo import VARIANTS as VARIANTS, GrpoConfig as GrpoConfig
from .knobs import NO_VALUE as NO_VALUE, as_json as as_json, changed as changed, knob as knob
from .model import CHIPS as CHIPS, ModelConfig as ModelConfig
from .preset import SECTIONS as SECTIONS, Preset as Preset
from .sft import BATCHINGS as BATCHINGS, SftConfig as SftConfig
from .sizes import (
    LOGITS_BYTES as LOGITS_BYTES,
    LOGITS_BYTES_OF as LOGITS_BYTES_OF,
    PROMPTS_FRACTION as PROMPTS_FRACTION,
    ROW_MULTIPLE as ROW_MULTIPLE,
    SCORES_BYTES as SCORES_BYTES,
    logits_bytes as logits_bytes,
)
from .training import LOGS as LOGS, LoraConfig as LoraConfig, warmup_steps as warmup_steps
