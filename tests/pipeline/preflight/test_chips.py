"""Chips and models that preflight knows."""

import pytest

from data.errors import UserError
from pipeline.config import CHIPS as NAMES
from pipeline.preflight.chips import (
    CHIPS,
    GIB,
    BadChip,
    Device,
    chip_of,
    described,
    refuse_other_devices,
    unused,
)
from pipeline.preflight.sizes import config_of


def test_the_error_for_an_unknown_chip_or_model_lists_those_that_are_known():
    with pytest.raises(BadChip, match="v6e, v5e, h100, h200, t4 and cpu"):
        chip_of("tpu9")
    with pytest.raises(UserError, match="google/gemma-3-1b-it"):
        config_of("google/gemma-9-1b-it")
    with pytest.raises(BadChip, match="1, 4, 8"):
        CHIPS["v6e"].topology(3)


H100 = Device("NVIDIA H100 80GB HBM3", "gpu", int(59.3 * GIB))
V6E = Device("TPU v6 lite", "tpu", int(31.25 * GIB))
CPU = Device("cpu", "cpu")


def test_every_chip_of_a_preset_is_known():
    assert set(NAMES) == {"", "cpu", *CHIPS}


@pytest.mark.parametrize(
    ("devices", "words"),
    [
        ([H100], "1 x NVIDIA H100 80GB HBM3 (59 GiB for programs)"),
        ([V6E] * 8, "8 x TPU v6 lite (31 GiB for programs)"),
        ([CPU], "1 x CPU"),
        ([CPU, H100, H100], "1 x CPU; 2 x NVIDIA H100 80GB HBM3 (59 GiB for programs)"),
    ],
)
def test_devices_are_described_by_number_kind_and_memory(devices, words):
    assert described(devices) == words


@pytest.mark.parametrize(
    ("chip", "device"),
    [
        ("h100", H100), ("v6e", V6E), ("", CPU), ("cpu", CPU), ("cpu", H100),
        ("t4", Device("Tesla T4", "gpu")), ("v5e", Device("TPU v5 lite", "tpu")),
        ("h200", Device("NVIDIA H200", "gpu")), ("h100", Device("NVIDIA H100 PCIe", "gpu")),
        ("v6e", Device("TPU v6e", "tpu")), ("v5e", Device("TPU v5e", "tpu")),
    ],
)  # fmt: skip
def test_the_chip_of_a_preset_is_recognised(chip, device):
    refuse_other_devices("mine", chip, [device])


@pytest.mark.parametrize(
    ("chip", "device"),
    [
        ("h100", CPU), ("h100", Device("NVIDIA H200", "gpu")), ("v6e", H100), ("t4", V6E),
        ("v5e", V6E), ("v6e", Device("TPU v5 lite", "tpu")), ("h200", H100),
        ("h200", Device("NVIDIA GH200 480GB", "gpu")),
        ("h100", Device("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "gpu", 10 * GIB)),
        ("h100", Device("NVIDIA H100 80GB HBM3", "gpu", 40 * GIB)),  # jax may take half of it
    ],
)  # fmt: skip
def test_another_chip_is_refused_with_what_is_there(chip, device):
    with pytest.raises(UserError, match=f"preset mine is for a {chip}") as refused:
        refuse_other_devices("mine", chip, [device])
    assert described([device]) in str(refused.value)


V5E = Device("TPU v5 lite", "tpu", int(15.75 * GIB))


@pytest.mark.parametrize(
    ("chips", "present", "hosts"), [(8, 8, 1), (8, 4, 2), (1, 8, 1), (1, 1, 1)]
)
def test_as_many_chips_as_the_mesh_has_are_enough(chips, present, hosts):
    refuse_other_devices("mine", "v5e", [V5E] * present, chips, hosts)


@pytest.mark.parametrize(
    ("chips", "devices", "hosts", "words"),
    [
        (8, [V5E], 1, "is for 8 x v5e (TPU v5 lite, 16 GiB for programs); jax has 1 x TPU v5 lite"
         " (16 GiB for programs) here. To use what is there: --set model.fsdp=1"
         " --set model.tensor_parallel=1."),
        (8, [V5E, V5E], 2, "on each of 2 hosts. To use what is there: --set model.fsdp=4"),
        (8, [V6E] * 8, 1, "is for 8 x v5e"),
        (8, [CPU], 1, "here. Choose a preset for this machine"),
    ],
)  # fmt: skip
def test_too_few_chips_are_refused_like_others(chips, devices, hosts, words):
    with pytest.raises(UserError) as refused:
        refuse_other_devices("mine", "v5e", devices, chips, hosts)
    assert words in str(refused.value)
    assert "--allow-other-device" in str(refused.value)


def test_chips_that_a_preset_leaves_idle_are_named():
    assert unused("v5e", [V5E] * 8, 1) == (" The preset uses 1 of 8: --set model.fsdp=8 uses all.")
    for chip, devices, chips in (("v5e", [V5E], 1), ("", [V5E] * 8, 1), ("cpu", [CPU] * 2, 1)):
        assert unused(chip, devices, chips) == ""
