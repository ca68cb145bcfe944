from .advantages import SAME as SAME, group_advantages as group_advantages, has_signal as has_signal
from .browse import (
    Browse as Browse,
    facets as facets,
    rollout_bands as rollout_bands,
    rollout_counts as rollout_counts,
    rollout_rows as rollout_rows,
)
from .learnability import (
    Conditions as Conditions,
    learnability_summary as learnability_summary,
    problem_to_json as problem_to_json,
    problems as problems,
    verdicts_by as verdicts_by,
)
from .questions import QUESTIONS as QUESTIONS, ask_about as ask_about
from .read import (
    check_rewards as check_rewards,
    comparable_rollouts as comparable_rollouts,
    deep_copy as deep_copy,
    is_imported as is_imported,
    rollout_pages as rollout_pages,
    rollouts_per_step as rollouts_per_step,
    stored_verdicts as stored_verdicts,
    verdict_grader as verdict_grader,
)
from .reward_replay import (
    by_step as by_step,
    summary as summary,
    with_advantages as with_advantages,
    with_deviations as with_deviations,
)
from .verdicts import (
    categorise_rollouts as categorise_rollouts,
    grade_rollouts as grade_rollouts,
    graded_by as graded_by,
)
