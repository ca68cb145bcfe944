"""The model: Gemma 3 from a Hugging Face folder, tokenizer, adapters, attention, mesh, export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
