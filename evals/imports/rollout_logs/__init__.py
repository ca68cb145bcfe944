"""Import of the rollouts that other trainers logged: formats, groups, problems."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
