"""Statistics over episodes and seeds: intervals, groups of runs, published figures."""
