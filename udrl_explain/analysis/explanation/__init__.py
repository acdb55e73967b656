"""One decision in one sentence, with the numbers behind it."""
