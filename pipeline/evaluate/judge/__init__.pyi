from .grade import estimate as estimate, grade_by_judge as grade_by_judge
