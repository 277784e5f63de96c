"""Socket.IO: clients in namespaces, their events and acks.

Nothing here knows a loop or a thread. Commands come in as method calls; what is to happen goes out through a client's
connection (packets) and the hub's `run` (handlers). The loop drives it when live; anything that calls its methods one
after the other may.
"""
