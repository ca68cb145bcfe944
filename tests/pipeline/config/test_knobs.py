"""A knob that runs may lack says what was done before there was one."""

from dataclasses import fields

import pytest

from pipeline.config import NO_VALUE, SECTIONS

# Knobs that every run has. Others came later: a run that was started before is found by what
# it did, which `before` says (pipeline/fingerprint/missing_knobs.py).
LORA = "lora_rank lora_alpha learning_rate warmup weight_decay beta2 clip keep seed"
FIRST = {
    "model": "model dtype fsdp tensor_parallel remat",
    "sft": f"{LORA} batch steps max_tokens checkpoint_every",
    "grpo": f"""{LORA} prompts group steps micro_batch max_prompt_tokens max_tokens temperature
        top_k top_p beta kl_clamp epsilon reward_format reward_approximate_format reward_answer
        reward_closeness evaluate_every""",
    "eval": "samples temperature top_k top_p max_prompt_tokens max_tokens batch grader seed",
}


@pytest.mark.parametrize("section", FIRST)
def test_every_knob_that_came_later_says_what_was_done_before(section):
    knobs = fields(SECTIONS[section])
    without = {one.name for one in knobs if one.metadata["before"] is NO_VALUE}
    assert without == set(FIRST[section].split())


@pytest.mark.parametrize("section", FIRST)
def test_what_was_done_before_is_a_value_of_the_knob(section):
    config = SECTIONS[section]
    before = {
        one.name: one.metadata["before"]
        for one in fields(config)
        if one.metadata["before"] is not NO_VALUE
    }
    config(**before)
    assert {name: type(value) for name, value in before.items()} == {
        one.name: type(one.default) for one in fields(config) if one.name in before
    }
