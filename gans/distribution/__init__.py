"""Several devices, several machines, and what they exchange."""
