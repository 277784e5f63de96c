"""`socketio.run(app)`: the address, TLS, the server, the reloader."""
