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
from .examples import Example as Example, PreferencePair as PreferencePair, Prompt as Prompt
from .grpo import (
    padded_left as padded_left,
    padded_right as padded_right,
    prompt_batches as prompt_batches,
    within as within,
)
from .order import StepOrder as StepOrder
from .preference import (
    PairTokens as PairTokens,
    preference_batches as preference_batches,
    row_length as row_length,
    rows_of_pairs as rows_of_pairs,
    tokenize_pairs as tokenize_pairs,
)
from .sft import (
    completion_tokens as completion_tokens,
    sft_batches as sft_batches,
    tokenize_examples as tokenize_examples,
)
