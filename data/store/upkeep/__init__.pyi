from .compaction import compact as compact, compact_all as compact_all
from .losses import health as health, repair as repair
