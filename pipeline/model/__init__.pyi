from .adapter import adapter_of as adapter_of, side_by_side as side_by_side
from .agreement import Agreement as Agreement, rounding as rounding
from .compiled import ProgramCache as ProgramCache
from .config_json import MODEL_TYPES as MODEL_TYPES, complete as complete
from .export import ExportDiffers as ExportDiffers, export_folder as export_folder
from .gemma3 import Loaded as Loaded
from .hub import (
    TINY as TINY,
    folder_here as folder_here,
    has_chat_template as has_chat_template,
    model_folder as model_folder,
    name_and_licence as name_and_licence,
    resolve as resolve,
)
from .lora import add_adapters as add_adapters, merge_adapters as merge_adapters
from .mesh import (
    device_mesh as device_mesh,
    devices_text as devices_text,
    mesh_of as mesh_of,
    on_mesh as on_mesh,
)
from .peft_layout import load_adapter as load_adapter, save_adapter as save_adapter
from .tokenizer import (
    Tokenizer as Tokenizer,
    Tokens as Tokens,
    example_tokens as example_tokens,
    padded as padded,
    prompt_text as prompt_text,
)
from .tokenizer_files import tokenizer_hash as tokenizer_hash
