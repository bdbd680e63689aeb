"""What this machine can do: its peaks, and how much of them each way of comparing reaches."""
