from .chips import (
    Chip as Chip,
    bytes_free as bytes_free,
    chip_of as chip_of,
    described as described,
    devices_here as devices_here,
    hosts as hosts,
    refuse_other_devices as refuse_other_devices,
    unused as unused,
)
from .needs import likely_seconds as likely_seconds, seconds as seconds
from .proposals import Proposal as Proposal
from .report import (
    StepNeeds as StepNeeds,
    needs_of_steps as needs_of_steps,
    stage_times as stage_times,
)
from .sizes import has_known_sizes as has_known_sizes
from .step_notation import (
    COMPARED as COMPARED,
    parse_step as parse_step,
    with_tunix_losses as with_tunix_losses,
)
from .steps import steps_of as steps_of
