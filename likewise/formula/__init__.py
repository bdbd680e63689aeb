"""What "alike" means: formulas, metrics, and what is known about them."""
