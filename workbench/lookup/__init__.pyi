from .completion_lengths import stored_lengths as stored_lengths, too_short_for as too_short_for
from .evaluations import (
    STAGE_ORDER as STAGE_ORDER,
    default_runs as default_runs,
    finished_evaluations as finished_evaluations,
    recent_runs as recent_runs,
)
from .models import (
    StartingModel as StartingModel,
    adapter_folder as adapter_folder,
    latest_model as latest_model,
    starting_model as starting_model,
    trained_runs as trained_runs,
)
from .names_of_runs import (
    facts_of_runs as facts_of_runs,
    run_name as run_name,
    run_names as run_names,
)
from .presets import changed_preset as changed_preset, typed as typed
from .runs import list_runs as list_runs, show_run as show_run
from .stores import existing_store as existing_store
from .trace import nearby_failures as nearby_failures, trace_back as trace_back
from .user import user_name as user_name
