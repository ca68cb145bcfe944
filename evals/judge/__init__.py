"""A judge: a grader that asks a model, by a rubric. Prompts, replies, rubrics, how good it is."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
