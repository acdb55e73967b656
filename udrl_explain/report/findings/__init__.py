"""The sentences on top of a report, each computed from its written tables.

One module per question, each with one function ``(tables) -> list of Finding``; ``registry`` lists them in the order of
the page. A finding claims nothing that its interval does not carry: no "most" where intervals overlap.
"""
