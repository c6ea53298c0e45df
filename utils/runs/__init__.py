"""What a run leaves behind, and what that says."""
