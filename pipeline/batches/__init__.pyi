from .order import StepOrder as StepOrder
