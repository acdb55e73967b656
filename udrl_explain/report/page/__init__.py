"""The page of a report: its parts, and how they become one HTML file."""
