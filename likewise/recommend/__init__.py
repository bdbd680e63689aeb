"""Recommendation: what somebody may like next, by several models behind one interface, with the reasons."""

from likewise.recommend.interactions import Histories, Interactions
from likewise.recommend.model import Explanation, Recommendations, Recommender, load
from likewise.recommend.popular import Popular

__all__ = ["Explanation", "Histories", "Interactions", "Popular", "Recommendations", "Recommender", "load"]
