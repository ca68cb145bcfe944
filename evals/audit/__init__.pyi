from .grader_audit import audit as audit
from .token_budget import tokenizer_with as tokenizer_with
