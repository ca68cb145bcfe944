"""The response format that training teaches and graders check: a reasoning and an answer block."""

REASONING_OPEN = "<reasoning>"
REASONING_CLOSE = "</reasoning>"
ANSWER_OPEN = "<answer>"
ANSWER_CLOSE = "</answer>"
TAGS = (REASONING_OPEN, REASONING_CLOSE, ANSWER_OPEN, ANSWER_CLOSE)  # in the order of a text

INSTRUCTION = (
    "Think about the problem step by step between <reasoning> and </reasoning>. "
    "Then give only the final answer between <answer> and </answer>."
)


def user_turn(question: str) -> str:
    """The user's turn of a chat: instruction, then question, because Gemma has no system role."""
    return f"{INSTRUCTION}\n\n{question}"


def render(reasoning: str, answer: str) -> str:
    """The completion that SFT trains on. Nothing is trimmed or escaped."""
    return f"{REASONING_OPEN}{reasoning}{REASONING_CLOSE}\n{ANSWER_OPEN}{answer}{ANSWER_CLOSE}"
