from .attention import in_blocks as in_blocks, positions_and_mask as positions_and_mask
from .lora import add_adapters as add_adapters, merge_adapters as merge_adapters
from .mesh import on_mesh as on_mesh
from .slot_attention import (
    PromptAttention as PromptAttention,
    SlotAttention as SlotAttention,
    with_attention as with_attention,
)
from .tokenizer import (
    Tokenizer as Tokenizer,
    Tokens as Tokens,
    example_tokens as example_tokens,
    padded as padded,
    prompt_text as prompt_text,
)
