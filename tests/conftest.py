import sys

import matplotlib
import pytest
from report_helpers import tiny_place, tiny_report  # noqa: F401 - fixtures

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
