from .dpo_stage import train_dpo as train_dpo
from .grpo_stage import train_grpo as train_grpo
from .sft_stage import (
    lengths_of as lengths_of,
    refuse_longer_than_rollouts as refuse_longer_than_rollouts,
    train_sft as train_sft,
)
