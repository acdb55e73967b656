"""Reports: runs in, tables, figures and one page out. ``python -m udrl_explain.report``."""
