"""`python -m flask_socketio`: what `flask socketio` does."""

from flask_duplex.cli.program import main

main()
