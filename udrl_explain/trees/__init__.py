"""Tree ensembles as arrays: reading scikit-learn's into them, walking them as the trees themselves do."""
