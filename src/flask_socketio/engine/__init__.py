"""Engine.IO on the event loop: sessions, heartbeat, upgrade, and the transports that carry them.

Everything here runs on one loop and is touched on it alone. It knows nothing of Socket.IO or Flask: what a session
carries goes to the receiver that the engine was given for it.
"""
