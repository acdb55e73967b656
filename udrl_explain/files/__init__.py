"""Files without knowledge of runs: written whole or not at all, read with checks, tables and LaTeX."""
