from .parts import (
    Group as Group,
    JudgeReward as JudgeReward,
    Part as Part,
    Rollout as Rollout,
    answer as answer,
    approximate_format as approximate_format,
    closeness as closeness,
    exact_format as exact_format,
    judge as judge,
    judge_rollout as judge_rollout,
    rewards_of as rewards_of,
    rewards_of_group as rewards_of_group,
    with_judge as with_judge,
)
from .reward_replay import replay as replay
