from .evaluation_stage import evaluate as evaluate, sampling_of as sampling_of
from .inputs import (
    NoRecordLeft as NoRecordLeft,
    examples_of as examples_of,
    require_source as require_source,
)
from .models import (
    Checkpoint as Checkpoint,
    load_model as load_model,
    path_in_store as path_in_store,
    record_checkpoint as record_checkpoint,
)
from .runs import (
    Done as Done,
    Job as Job,
    StageSpec as StageSpec,
    model_of as model_of,
    stage_run as stage_run,
)
from .served_evaluation import LOCAL_KNOBS as LOCAL_KNOBS, evaluate_served as evaluate_served
from .subset_trial import Trial as Trial, ab as ab
