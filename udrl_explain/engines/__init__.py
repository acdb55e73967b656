"""Computations that several analyses share: exact edges and cells of forests, influence, intervals, groups of runs."""
