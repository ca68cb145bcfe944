"""What libraries print at each start that tells a person nothing here."""

import logging
import os

# Tunix looks for the memory of TPUs, and says of every other device that it is none
NOISE = "Skipping non-TPU device"


def quiet() -> None:
    """Call before the training packages are imported. Their errors and other warnings stay."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # "PyTorch was not found"
    from absl import logging as absl  # makes its logger; ours would be of the wrong class

    absl.get_absl_logger().addFilter(_says_something)


def _says_something(record: logging.LogRecord) -> bool:
    return NOISE not in str(record.msg)
