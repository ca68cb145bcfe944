from .preflight_check import (
    DPO as DPO,
    EVAL as EVAL,
    GRPO as GRPO,
    SFT as SFT,
    refuse_what_does_not_fit as refuse_what_does_not_fit,
)
from .progress_file import (
    current_progress_file as current_progress_file,
    read_progress as read_progress,
    seconds_left as seconds_left,
)
from .reconcile import reconciling as reconciling
from .run_states import (
    run_list as run_list,
    runs_of_cancelled_jobs as runs_of_cancelled_jobs,
    true_state as true_state,
)
from .runner import import_path as import_path
