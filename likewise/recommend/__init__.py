"""Recommendation: what somebody may like next, by several models behind one interface, with the reasons."""

from likewise.recommend.attributes import Attributes
from likewise.recommend.blend import Blend
from likewise.recommend.ease import Ease
from likewise.recommend.evaluate import evaluate
from likewise.recommend.factors import Factors
from likewise.recommend.interactions import Histories, Interactions
from likewise.recommend.model import Explanation, Recommendations, Recommender, load
from likewise.recommend.neighbours import Neighbours
from likewise.recommend.popular import Popular
from likewise.recommend.report import Report
from likewise.recommend.taste import Taste

__all__ = [
    "Attributes",
    "Blend",
    "Ease",
    "Explanation",
    "Factors",
    "Histories",
    "Interactions",
    "Neighbours",
    "Popular",
    "Recommendations",
    "Recommender",
    "Report",
    "Taste",
    "evaluate",
    "load",
]
