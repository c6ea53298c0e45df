"""What a run leaves, and what it says."""
