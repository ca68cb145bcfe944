from .preflight_check import (
    EVAL as EVAL,
    GRPO as GRPO,
    SFT as SFT,
    preflighted as preflighted,
    refuse_what_does_not_fit as refuse_what_does_not_fit,
)
from .progress_file import teller as teller
from .reconcile import looked_after as looked_after
from .runner import packages as packages
