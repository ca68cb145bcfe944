from .compaction import (
    compact as compact,
    compact_all as compact_all,
    compact_run as compact_run,
    live_parts as live_parts,
)
from .losses import health as health, repair as repair
