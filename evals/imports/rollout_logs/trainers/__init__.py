"""The rollout logs of trainers, a file each: by what a row is recognised, and what it says."""
