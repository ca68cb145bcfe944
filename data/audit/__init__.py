"""What a conversion did: counts, rows, differences, exports and people's rulings."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
