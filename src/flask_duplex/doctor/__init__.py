"""`flask socketio doctor`: looks at an installation, at an application, and at a running server as a client sees it.

A check is a function that yields `Finding`s. Those of the installation import nothing of `flask_socketio`, which may be
what is broken.
"""
