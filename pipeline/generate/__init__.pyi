from .cache import LayerCache as LayerCache
from .engine import Engine as Engine
from .requests import (
    Completion as Completion,
    Finished as Finished,
    GenerateRequests as GenerateRequests,
    Request as Request,
    Sampling as Sampling,
)
from .rollout import (
    FreshRollout as FreshRollout,
    Generate as Generate,
    Resampling as Resampling,
    engine_of as engine_of,
    generator as generator,
)
from .sampling import settings_of as settings_of
from .seeds import seed_of as seed_of
