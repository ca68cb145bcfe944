from .command import Answer as Answer, not_empty as not_empty, verb as verb, verbs as verbs
from .options import knobs as knobs
from .output_file import json_lines as json_lines
from .progress import bars as bars
from .served_options import Serving as Serving, evaluated as evaluated, serving as serving
from .training_options import job_of as job_of, preflighted as preflighted, training as training
