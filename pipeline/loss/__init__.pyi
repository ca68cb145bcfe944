from .policy import piece_of as piece_of, policy_loss as policy_loss, sft_loss as sft_loss
from .scoring import scores_of as scores_of
from .variants import Objective as Objective, objective_of as objective_of
