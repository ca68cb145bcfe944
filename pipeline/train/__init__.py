"""Training: SFT, GRPO, rewards, guards, metrics, rollout log, replay."""
