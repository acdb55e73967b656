"""The plane of commands: what training saw of it, its cells, and what changes with the command."""
