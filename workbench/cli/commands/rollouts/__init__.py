"""Commands about rollouts: import, browse, learnability, other rewards."""
