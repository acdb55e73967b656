"""Ask the policy of a stored run for many commands: ``python -m udrl_explain.sweep RUN``."""
