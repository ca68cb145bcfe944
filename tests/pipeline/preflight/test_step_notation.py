"""Steps as text, such as sft:1x4096."""

import pytest

from data.errors import UserError
from pipeline.preflight.step_notation import parse_step, step_text
from pipeline.presets.load import load_preset

V6E = load_preset("v6e-1")


@pytest.mark.parametrize(
    "text", ["", "sft", "sft:4096", "sft:0x4096", "grpo:8x100", "sft:1x2+3", "x:1x1", "sft:1x1;ls"]
)
def test_the_error_for_a_wrong_step_shows_the_notation(text):
    with pytest.raises(UserError, match=r"expected sft:ROWSxTOKENS|must be at least 1"):
        parse_step(text, V6E)


def test_a_step_is_parsed_and_formatted_the_same():
    for text in ("sft:8x16384", "grpo:128x256+768"):
        assert step_text(parse_step(text, V6E)) == text
