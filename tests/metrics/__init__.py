"""What can be seen of a server by numbers."""
