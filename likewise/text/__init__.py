"""Search text by meaning and by words."""
