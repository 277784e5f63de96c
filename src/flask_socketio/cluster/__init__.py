"""Rooms and who is in them, on this server and, with a broker, on others: the adapters."""
