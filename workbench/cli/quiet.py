"""Silences messages that libraries print at each start and that mean nothing here."""

import logging
import os

# Tunix looks for the memory of TPUs, and warns about every other device
NOISE = "Skipping non-TPU device"


def quiet() -> None:
    """Call it before the training packages are imported. Errors and other warnings stay."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # "PyTorch was not found"
    from absl import logging as absl

    # get_absl_logger creates the logger; logging.getLogger would create one of the wrong class

    absl.get_absl_logger().addFilter(_is_useful)


def _is_useful(record: logging.LogRecord) -> bool:
    return NOISE not in str(record.msg)
