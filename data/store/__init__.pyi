from .annotations import BadEntry as BadEntry, changes as changes, note_run as note_run
from .database import Cursor as Cursor, new_database as new_database
from .jobs import (
    WAITS as WAITS,
    Job as Job,
    folder_of as folder_of,
    is_alive as is_alive,
    job_of as job_of,
)
from .runs import (
    LOST_PARTS as LOST_PARTS,
    RunExists as RunExists,
    fingerprint as fingerprint,
    runs_that_lost_rows as runs_that_lost_rows,
    state as state,
)
from .schema import (
    ANSWERS as ANSWERS,
    EVALUATIONS as EVALUATIONS,
    FORMAT_VERSION as FORMAT_VERSION,
    HELD_OUT as HELD_OUT,
    HELD_OUT_ANSWERS as HELD_OUT_ANSWERS,
    IMPORT as IMPORT,
    IMPORTED_ROLLOUTS as IMPORTED_ROLLOUTS,
    OF_RUNS as OF_RUNS,
    OF_TRAIN_PROBLEMS as OF_TRAIN_PROBLEMS,
    PLAYGROUND as PLAYGROUND,
    REWARD as REWARD,
    TABLES as TABLES,
    TIME as TIME,
    TRAINING as TRAINING,
    WITH_PROBLEMS as WITH_PROBLEMS,
    WITH_ROLLOUTS as WITH_ROLLOUTS,
    is_evaluation as is_evaluation,
    name_of_kind as name_of_kind,
    sql_type as sql_type,
)
from .snapshots import (
    make_view as make_view,
    part_files as part_files,
    tables_of as tables_of,
    taken as taken,
)
from .store import (
    Store as Store,
    add as add,
    add_generations as add_generations,
    ask as ask,
    generation as generation,
    open_store as open_store,
    parts_by_run as parts_by_run,
    reading as reading,
    snapshot as snapshot,
    unfrozen as unfrozen,
    version as version,
    within as within,
)
from .views import VIEWS as VIEWS, in_order as in_order, names_in as names_in
