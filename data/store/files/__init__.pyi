from .errors import StoreError as StoreError, explained as explained
from .folders import (
    make_folder as make_folder,
    remove_empty as remove_empty,
    remove_empty_folders as remove_empty_folders,
    sync_folder as sync_folder,
)
from .listing import (
    DAMAGED as DAMAGED,
    TRASH as TRASH,
    exists as exists,
    foreign_files as foreign_files,
    in_trash as in_trash,
    parquet_files as parquet_files,
    plain as plain,
    size as size,
)
from .locks import LOCKS as LOCKS, exclusive as exclusive, is_locked as is_locked, locked as locked
from .names import fixed_name as fixed_name, is_fixed as is_fixed, new_name as new_name
from .staging import (
    STAGING as STAGING,
    remove_staged as remove_staged,
    staged_before as staged_before,
    staged_folder as staged_folder,
)
from .writing import create as create, move as move, remove as remove, write as write
