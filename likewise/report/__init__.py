"""A report on a set of vectors: a verdict in plain words on each question, with the figure and the picture behind it.

:func:`report` asks every question of :mod:`likewise.geometry`; :meth:`Report.html` makes one page of the answers, which
needs no network, no script and nothing beside it. ``likewise report`` is the same from a shell.
"""

from likewise.report.finding import Finding
from likewise.report.making import Report, report
from likewise.report.thresholds import TABLE, Threshold

__all__ = ["report", "Report", "Finding", "Threshold", "TABLE"]
