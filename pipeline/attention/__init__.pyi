from .kernels import columns as columns, fit_slots as fit_slots, fit_training as fit_training
from .layers import (
    BlockAttention as BlockAttention,
    FlashAttention as FlashAttention,
    FlashSlotAttention as FlashSlotAttention,
    LayerCache as LayerCache,
    PromptAttention as PromptAttention,
    SlotAttention as SlotAttention,
    positions_and_mask as positions_and_mask,
    with_attention as with_attention,
)
from .segments import mask_of as mask_of, positions_of as positions_of
