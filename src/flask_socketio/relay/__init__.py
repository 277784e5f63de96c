"""Several processes that serve one port: each request finds the process that has its session."""
