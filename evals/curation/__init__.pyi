from .preference_pairs import (
    ChosenPairs as ChosenPairs,
    choose_pairs as choose_pairs,
    store_pairs as store_pairs,
    stored_pairs as stored_pairs,
)
from .problem_fields import FIELDS as FIELDS, NotMeasured as NotMeasured
from .rejection_sampling import PICKS as PICKS, add_rejection_sample as add_rejection_sample
from .training_formats import check_format as check_format
