"""The dashboard: what the official Admin UI is told, and what it may have done (`socketio.instrument()`)."""
