"""Engine.IO v4, Socket.IO v5 and RFC 6455 without I/O: see README.md."""
