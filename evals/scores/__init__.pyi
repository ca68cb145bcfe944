from .grade import (
    GENERATIONS_PER_BATCH as GENERATIONS_PER_BATCH,
    NO_GOLD as NO_GOLD,
    UnknownRun as UnknownRun,
    grade_generations as grade_generations,
    grade_missing as grade_missing,
    in_batches as in_batches,
    unknown_run as unknown_run,
    without_verdict as without_verdict,
)
from .grader_choice import (
    default_grader as default_grader,
    fitting_graders as fitting_graders,
    import_graders as import_graders,
    ungraded_runs as ungraded_runs,
)
from .labels import compare_with_labels as compare_with_labels
from .overrides import apply_overrides as apply_overrides, overrides_of as overrides_of
from .pairs import (
    NothingInCommon as NothingInCommon,
    common_problems as common_problems,
    problems_by_run as problems_by_run,
    same_problems as same_problems,
)
from .problems import (
    Problems as Problems,
    hash_of_ids as hash_of_ids,
    problems_of_split as problems_of_split,
    problems_with_ids as problems_with_ids,
)
from .read import (
    FIRST_STAGES as FIRST_STAGES,
    by_stage as by_stage,
    require_scores as require_scores,
    require_stage_scores as require_stage_scores,
    scores_named as scores_named,
    scores_of as scores_of,
)
from .same_problem import content_of_problem as content_of_problem
from .stored_grader import JUDGE as JUDGE, grader_in as grader_in, grader_names as grader_names
