"""Losses of SFT and GRPO, and the scores of tokens that they are made of."""
