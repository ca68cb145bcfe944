from .cache_version import parts_by_run as parts_by_run, version as version
from .jobs import (
    WAITS as WAITS,
    Job as Job,
    folder_of as folder_of,
    is_alive as is_alive,
    job_of as job_of,
)
from .locks import held as held, is_held as is_held
from .parts import checked_name as checked_name
from .runs import RunExists as RunExists, fingerprint as fingerprint, state as state
from .schema import REWARD as REWARD, TABLES as TABLES
from .state_db import BadEntry as BadEntry
from .store import (
    Store as Store,
    StoreError as StoreError,
    add as add,
    add_generations as add_generations,
    ask as ask,
    compact as compact,
    generation as generation,
    health as health,
    open_store as open_store,
    within as within,
)
from .tag_changes import changes as changes
