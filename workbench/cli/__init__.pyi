from .command import (
    Answer as Answer,
    login as login,
    not_empty as not_empty,
    verb as verb,
    verbs as verbs,
)
from .errors import BAD_INPUT as BAD_INPUT, bad_input as bad_input
from .options import changed_preset as changed_preset, knobs as knobs, typed as typed
from .output_file import json_lines as json_lines
from .progress import bars as bars
from .served_options import Serving as Serving, evaluated as evaluated, serving as serving
from .training_options import job_of as job_of, training as training
