from .code import (
    Code as Code,
    code_of as code_of,
    code_on_disk as code_on_disk,
    hash_of as hash_of,
    record as record,
)
from .earlier_runs import (
    CODE as CODE,
    before_new_knobs as before_new_knobs,
    code_changes as code_changes,
    last_code as last_code,
    runs_of as runs_of,
    with_accepted as with_accepted,
    without_code as without_code,
)
