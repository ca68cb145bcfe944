"""Kinds of runs: which hold answers that graders read, and which of these are of held-out problems.

Questions bind these, and name no kind themselves.
"""

HELD_OUT = "eval"
OF_TRAIN_PROBLEMS = "eval-train"  # no held-out score counts it
EVALUATIONS = (HELD_OUT, OF_TRAIN_PROBLEMS)
IMPORT = "import"
ANSWERS = (*EVALUATIONS, IMPORT)
HELD_OUT_ANSWERS = (HELD_OUT, IMPORT)
TRAINING = ("sft", "grpo")


def is_evaluation(kind: str) -> bool:
    """Whether a run of this kind is an evaluation by thinkbench, whatever problems it answered."""
    return kind in EVALUATIONS


def name_of_kind(kind: str) -> str:
    """The kind as names of runs begin with it; evaluations of train problems say so by stage."""
    return HELD_OUT if is_evaluation(kind) else kind
