"""One training step of the same networks, written in several ways, and what it costs by formula."""
