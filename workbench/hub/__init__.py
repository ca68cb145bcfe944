"""Publishing: a subset, a model or evaluations as a folder with a card, and sending it to a hub."""
