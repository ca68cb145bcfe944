from .compare import grade_run as grade_run, grade_runs as grade_runs
from .metrics import METRICS as METRICS, interval as interval, verdicts as verdicts
from .slices import SLICINGS as SLICINGS, SMALL as SMALL
from .states import RIGHT as RIGHT, UNKNOWN as UNKNOWN, WRONG as WRONG
