"""What a computation costs: how shapes align, FLOPs, bytes, and the time to expect."""
