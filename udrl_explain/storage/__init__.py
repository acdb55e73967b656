"""Files: written whole or not at all, read without running anything that they bring along."""
