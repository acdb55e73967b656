"""Parts of the trainer: estimators by name, random streams, and how probabilities become actions."""
