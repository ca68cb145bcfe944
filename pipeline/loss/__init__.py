"""Losses of SFT and GRPO, and the scores of tokens that they are made of."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
