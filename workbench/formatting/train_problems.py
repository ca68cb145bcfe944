"""The sentence beside values that come from answers to train problems."""

from collections.abc import Sequence


def about_train_problems(names: Sequence[str]) -> str:
    """names: of the runs or stages that answered train problems; "" for none"""
    if not names:
        return ""
    return f"{', '.join(names)}: answers to train problems, so pass rates and no held-out scores."
