from .completions import (
    Generate as Generate,
    completer as completer,
    engine_of as engine_of,
    greedy_texts as greedy_texts,
    in_order as in_order,
    requests_for as requests_for,
)
from .engine import Engine as Engine
from .requests import (
    Completion as Completion,
    Finished as Finished,
    GenerateRequests as GenerateRequests,
    Request as Request,
    Sampling as Sampling,
    never as never,
    seed_of as seed_of,
)
from .sampling import settings_of as settings_of
