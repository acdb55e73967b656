"""Playing episodes: how actions are chosen, random streams, sweeps of commands."""
