"""Several devices, several machines, and what they tell each other."""
