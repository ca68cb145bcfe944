"""The stages that train: SFT, DPO and GRPO, each a run of the store."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
