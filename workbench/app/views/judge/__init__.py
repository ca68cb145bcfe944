"""The page Judges: how good a judge is, and a blind sample to label."""
