from .head import scores_of as scores_of, scores_program as scores_program
from .policy import (
    DIFFERENT as DIFFERENT,
    PolicyExample as PolicyExample,
    kl_divergence as kl_divergence,
    policy_loss as policy_loss,
    with_divisor as with_divisor,
)
from .preference import (
    PreferenceObjective as PreferenceObjective,
    completion_logps_program as completion_logps_program,
    preference_loss as preference_loss,
    preference_objective as preference_objective,
)
from .sft import sft_loss as sft_loss
from .variants import EPSILON as EPSILON, Objective as Objective, objective_of as objective_of
