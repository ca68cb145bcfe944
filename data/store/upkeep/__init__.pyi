from .compaction import compact as compact
from .losses import health as health, repair as repair
