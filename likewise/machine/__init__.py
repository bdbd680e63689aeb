"""What this machine can do: its peaks, and how much of them each way of comparing reaches.

``measure()`` gives the rates of arithmetic, of each cache and of memory; ``roofline()`` puts each metric under them.

>>> import likewise as lw
>>> lw.machine.measure(n_jobs=1).fma("f32") > 1e8
True
"""

from likewise.machine.measure import Machine, Rate, measure
from likewise.machine.roofline import Roofline, RooflineRow, check_picture, roofline

__all__ = ["Machine", "Rate", "measure", "Roofline", "RooflineRow", "roofline", "check_picture"]
