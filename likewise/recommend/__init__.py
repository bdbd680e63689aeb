"""Recommend: who took what, and what comes next."""
