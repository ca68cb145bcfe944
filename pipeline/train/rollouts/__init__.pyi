from .group_sampling import GroupSampler as GroupSampler
from .rollout_log import RolloutLog as RolloutLog, StepRollouts as StepRollouts
