"""The knobs of the model: which, in which precision, on which devices."""

from dataclasses import dataclass

from pipeline.config.checks import at_least, check_choices
from pipeline.config.knobs import knob

DTYPES = ("float32", "bfloat16")
CHIPS = ("", "cpu", "t4", "h100", "h200", "v5e", "v6e")  # "": whatever is there


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which model, in which precision, on which mesh of devices."""

    model: str = knob(
        "tiny",
        "'tiny' (the bundled model), a model folder, a Hugging Face id or"
        " kaggle:owner/model/framework/variation",
    )
    dtype: str = knob("float32", "precision of the frozen base weights", choices=DTYPES)
    chip: str = knob(
        "",
        "the chip that the settings are for; 'cpu' fits every machine, empty: not known, so memory"
        " is not checked",
        choices=CHIPS,
        before="",
    )
    fsdp: int = knob(1, "number of devices that share weights and batch (FSDP)", "devices")
    tensor_parallel: int = knob(
        1, "number of devices that share the heads and features of each layer", "devices"
    )
    remat: bool = knob(True, "save memory: recompute each decoder layer in the backward pass")
    block_attention: bool = knob(
        True,
        "save memory: compute the attention scores of a training row block by block",
        before=False,
    )

    def __post_init__(self) -> None:
        check_choices(self)
        at_least(self, 1, "fsdp", "tensor_parallel")
