"""What is minimized: the classes that train, losses, penalties."""
