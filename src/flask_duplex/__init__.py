"""Nothing to import: the package is `flask_socketio`. What stands here, Flask's command line loads."""
