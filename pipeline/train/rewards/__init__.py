"""The reward of GRPO: its parts, files of rewards, and replay of stored rollouts with others."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
