from .context import BESIDE as BESIDE, InContext as InContext, in_context as in_context
