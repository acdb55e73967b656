"""What the settings of a training mean: the recipes that fill them, and the rules that they keep."""
