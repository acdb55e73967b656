"""DataFrames as files: CSV to read back, LaTeX (booktabs) to print, ``.dat`` for pgfplots.

The CSV is the table itself and holds nothing else. LaTeX and ``.dat`` open with comment lines that say where the
numbers come from. All are written whole or not at all, and the same frame gives the same bytes.
"""

from udrl_explain.files.csv import read_csv, write_csv
from udrl_explain.files.latex_tables import Estimate, write_latex
from udrl_explain.files.pgfplots import write_dat

__all__ = ["Estimate", "read_csv", "write_csv", "write_dat", "write_latex"]
