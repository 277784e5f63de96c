"""What `flask socketio demo` serves: a page that shows whether clients reach a server, and by which transport."""
