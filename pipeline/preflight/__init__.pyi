from .chips import BadChip as BadChip, Chip as Chip, chip_of as chip_of
from .needs import likely_seconds as likely_seconds, seconds as seconds
from .proposals import Proposal as Proposal
from .report import Said as Said, said_of as said_of
from .sizes import known_by_name as known_by_name
from .steps import steps_of as steps_of
