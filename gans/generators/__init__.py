"""Generators after training: reading, making images, exporting."""
