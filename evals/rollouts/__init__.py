"""Rollouts of a GRPO run: steps, advantages, learnability, rewards replayed."""
