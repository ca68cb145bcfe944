"""Messages of libraries: the one without meaning is dropped, every other one stays."""

import subprocess
import sys

from tests import ROOT

PROGRAM = """
from workbench.cli.quiet import quiet
quiet()
from absl import logging
logging.warning("Skipping non-TPU device: %s.", "cpu")
logging.warning("the checkpoint is damaged")
logging.error("the disk is full")
"""


def test_only_the_message_about_other_devices_is_dropped():
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "non-TPU" not in printed.stderr
    assert "the checkpoint is damaged" in printed.stderr
    assert "the disk is full" in printed.stderr
