"""Those who are told what happens on a server."""
