"""Explain Upside-Down Reinforcement Learning policies."""
