"""A cluster with Node's Socket.IO servers: their adapters' messages over Redis, in place of a queue's.

    Redis ─ broker ─ listening ─ dialect (bytes -> messages) ─ adapter (on the loop) ─ clients
    clients ─ adapter ─ dialect (messages -> commands) ─ publishing ─ broker ─ Redis

`messages.py` has what members of a cluster say to each other, `classic.py`, `streams.py` and `sharded.py` how each of
Node's adapters writes it, `adapter.py` what is done about it.
"""
