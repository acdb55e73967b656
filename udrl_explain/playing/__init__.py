"""What the commands do that play a stored policy again."""
