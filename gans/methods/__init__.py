"""What is minimized: the training classes, losses, penalties."""
