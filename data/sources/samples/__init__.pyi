from .damaged_records import (
    E_SOLUTION as E_SOLUTION,
    REQUEST as REQUEST,
    SYSTEM as SYSTEM,
    solution as solution,
    text as text,
)
