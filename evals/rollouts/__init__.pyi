from .advantages import has_signal as has_signal
from .learnability import (
    Conditions as Conditions,
    as_row as as_row,
    ledger as ledger,
    problems as problems,
)
from .read import (
    GRADER as GRADER,
    apart as apart,
    check_rewards as check_rewards,
    pages as pages,
    steps_of as steps_of,
)
from .reward_replay import (
    by_step as by_step,
    summary as summary,
    with_advantages as with_advantages,
)
