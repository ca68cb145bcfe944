from .budgets import (
    EVAL as EVAL,
    GRPO as GRPO,
    LIMITS as LIMITS,
    Budgets as Budgets,
    beside_limits as beside_limits,
    disagreement as disagreement,
    rounded as rounded,
)
from .curriculum import ProblemChoice as ProblemChoice
from .examples import Example as Example, Prompt as Prompt
from .grpo import (
    padded_left as padded_left,
    padded_right as padded_right,
    prompt_batches as prompt_batches,
    within as within,
)
from .order import StepOrder as StepOrder
from .sft import (
    completion_tokens as completion_tokens,
    sft_batches as sft_batches,
    tokenize_examples as tokenize_examples,
)
