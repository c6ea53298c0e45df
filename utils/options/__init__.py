"""What can be chosen, each option once."""
