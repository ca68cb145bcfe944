"""Rollouts of a GRPO run: steps, advantages, learnability, replay with other rewards."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
