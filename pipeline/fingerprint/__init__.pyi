from .code import (
    Code as Code,
    code_of as code_of,
    code_on_disk as code_on_disk,
    hash_of as hash_of,
    record as record,
    recorded as recorded,
)
from .earlier_runs import (
    CODE as CODE,
    last_code as last_code,
    runs_of as runs_of,
    runs_without_new_knobs as runs_without_new_knobs,
    with_accepted as with_accepted,
    without_code as without_code,
)
from .missing_knobs import NewKnobs as NewKnobs, completed as completed, new_knobs as new_knobs
from .refused_runs import refusal as refusal
