"""Knobs that cannot work are refused when the preset is made, before a model is loaded."""

import pytest

from pipeline.config import BadConfig, GrpoConfig, SftConfig
from pipeline.presets.load import load_preset
from pipeline.train.optimizer import adamw


@pytest.mark.parametrize("config", [SftConfig, GrpoConfig])
@pytest.mark.parametrize(
    ("warmup", "steps"), [(1.0, 100), (0.9, 3), (0.99, 10), (0.8, 2), (-0.1, 100)]
)
def test_a_warmup_that_leaves_no_step_is_refused(config, warmup, steps):
    with pytest.raises(BadConfig, match="warmup"):
        config(warmup=warmup, steps=steps)


@pytest.mark.parametrize(
    ("warmup", "steps"), [(0.0, 1), (0.5, 1), (0.0, 2), (0.5, 2), (0.66, 3), (0.98, 99)]
)
def test_a_warmup_that_is_accepted_makes_a_schedule(warmup, steps):
    adamw(SftConfig(warmup=warmup, steps=steps), steps)


@pytest.mark.parametrize("seed", [-1, 2**32, 2**63])
def test_a_seed_that_no_library_takes_is_refused(seed):
    with pytest.raises(BadConfig, match="seed must be a whole number from 0 to"):
        SftConfig(seed=seed)


def test_a_subset_in_a_file_takes_the_place_of_the_filter_that_it_inherits(tmp_path):
    file = tmp_path / "x.toml"
    file.write_text('like = "v6e-1"\n[data]\nsubset = "short"\n')
    assert load_preset("v6e-1").data.records_filter
    data = load_preset(str(file)).data
    assert (data.subset, data.records_filter) == ("short", "")
    file.write_text('like = "v6e-1"\n[data]\nsubset = "short"\nrecords_filter = "row > 1"\n')
    with pytest.raises(BadConfig, match="leave one of them out"):
        load_preset(str(file))
