"""One small tree in words: as a table, as text rules, as a Python function and as LaTeX."""
