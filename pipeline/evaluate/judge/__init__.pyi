from .compare_pairs import compare_by_judge as compare_by_judge
from .grade import estimate as estimate, grade_by_judge as grade_by_judge
from .group_rewards import (
    GroupTexts as GroupTexts,
    JudgeOfGroups as JudgeOfGroups,
    judge_of_groups as judge_of_groups,
)
