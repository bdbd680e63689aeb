"""Recommendation: what somebody may like next, by several models behind one interface, with the reasons."""

from likewise.recommend.interactions import Histories, Interactions

__all__ = ["Histories", "Interactions"]
