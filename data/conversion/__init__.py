"""From a record to a training example, or into quarantine with its reasons."""
