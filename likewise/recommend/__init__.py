"""Recommendation: what somebody may like next, by several models behind one interface, with the reasons."""

from likewise.recommend.attributes import Attributes
from likewise.recommend.interactions import Histories, Interactions
from likewise.recommend.model import Explanation, Recommendations, Recommender, load
from likewise.recommend.popular import Popular
from likewise.recommend.taste import Taste

__all__ = [
    "Attributes",
    "Taste",
    "Explanation",
    "Histories",
    "Interactions",
    "Popular",
    "Recommendations",
    "Recommender",
    "load",
]
