from .check import check_words as check_words
from .job import (
    open_job as open_job,
    require_model as require_model,
    require_training_packages as require_training_packages,
)
from .options import (
    chosen_preset as chosen_preset,
    model_option as model_option,
    training_options as training_options,
)
