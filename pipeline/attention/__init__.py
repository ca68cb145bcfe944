"""Attention for training, for prompts and for slots: plain operations, and kernels for a GPU."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
