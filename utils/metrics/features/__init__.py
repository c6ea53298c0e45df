"""From image sets to the features that metrics compare."""
