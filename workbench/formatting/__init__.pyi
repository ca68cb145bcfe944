from .different_problems import about_different_problems as about_different_problems
from .error_messages import (
    BAD_INPUT as BAD_INPUT,
    TRAINING_PACKAGES as TRAINING_PACKAGES,
    error_message as error_message,
)
from .fitted_table import FittedTable as FittedTable
from .marks import EDGE as EDGE, on_page as on_page
from .numbers import (
    change as change,
    counted as counted,
    duration as duration,
    interval as interval,
    judge_note as judge_note,
    kappa_text as kappa_text,
    p_value as p_value,
    points as points,
    unknown_verdicts as unknown_verdicts,
)
from .paper_tables import comparison_sentence as comparison_sentence, paper_table as paper_table
from .sizes import bytes_of as bytes_of, size_text as size_text
from .store_commands import with_store as with_store
from .train_problems import (
    about_train_problems as about_train_problems,
    stage_with_train_problems as stage_with_train_problems,
    train_problems_by_run as train_problems_by_run,
)
from .trials import trial_verdict as trial_verdict
from .unsafe_characters import UNSAFE as UNSAFE, visible as visible
