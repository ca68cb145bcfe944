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
    Generate as Generate,
    engine_of as engine_of,
    generator as generator,
    in_order as in_order,
    requests_for as requests_for,
)
from .sampling import settings_of as settings_of
from .seeds import seed_of as seed_of
