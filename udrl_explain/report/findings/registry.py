"""The findings of a report: the one list of the functions that make them, in the order of the page.

To add a sentence: write ``report/findings/<question>.py`` with ``findings(tables) -> list of Finding``, which returns
an empty list where the report lacks the table, and add it here.
"""

from collections.abc import Callable, Collection
from dataclasses import replace

from udrl_explain.report.findings import (
    action_shares,
    comparison,
    distillation,
    faithfulness,
    final_returns,
    importance,
    obedience,
    performance,
    response,
    seeds,
    shapley,
    stability,
)
from udrl_explain.report.findings.finding import Finding
from udrl_explain.report.findings.tables import ReportTables

FINDERS: tuple[Callable[[ReportTables], list[Finding]], ...] = (
    final_returns.findings,
    action_shares.findings,
    obedience.findings,
    performance.findings,
    importance.findings,
    shapley.findings,
    faithfulness.findings,
    response.findings,
    distillation.findings,
    seeds.findings,
    stability.findings,
    comparison.findings,
)


def find(tables: ReportTables, anchors: Collection[str]) -> list[Finding]:
    """Make all findings of a report.

    Parameters
    ----------
    tables : ReportTables
    anchors : collection of str
        Of the sections that the page has; a finding on another one stands without its link.

    Returns
    -------
    list of Finding
        Empty where the report holds no table that a finding reads.
    """
    found = [finding for finder in FINDERS for finding in finder(tables)]
    return [finding if finding.anchor in anchors else replace(finding, anchor="") for finding in found]
