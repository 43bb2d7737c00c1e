"""Learning from stored episodes: reading them, what they are worth against a reference, which of them a step sees."""
