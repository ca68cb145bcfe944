"""Statistics: intervals, paired tests, multiple testing, power, pass@k, comparison over seeds."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
