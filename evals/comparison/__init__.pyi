from .compare import grade_run as grade_run, grade_runs as grade_runs, graded_run as graded_run
from .metrics import METRICS as METRICS, interval as interval
from .slices import SLICINGS as SLICINGS
from .train_problems import train_problem_ids as train_problem_ids
from .transitions import RIGHT as RIGHT, UNKNOWN as UNKNOWN, WRONG as WRONG
