"""The dashboard in Chromium, which can reach the server and nothing else; and what it is told, read by a client."""
