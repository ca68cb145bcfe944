from .train_base import initialise as initialise
