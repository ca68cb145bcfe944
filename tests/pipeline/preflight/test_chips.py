"""Chips and models that preflight knows."""

import pytest

from data.errors import UserError
from pipeline.preflight.chips import CHIPS, BadChip, chip_of
from pipeline.preflight.sizes import config_of


def test_the_error_for_an_unknown_chip_or_model_lists_those_that_are_known():
    with pytest.raises(BadChip, match="v6e, v5e, h100, h200 and cpu"):
        chip_of("tpu9")
    with pytest.raises(UserError, match="google/gemma-3-1b-it"):
        config_of("google/gemma-9-1b-it")
    with pytest.raises(BadChip, match="1, 4, 8"):
        CHIPS["v6e"].topology(3)
