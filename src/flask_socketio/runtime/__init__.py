"""Who answers for a SocketIO: a running server, the test client's hub, or an emitter that serves nobody."""
