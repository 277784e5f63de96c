"""A Flask page alone, for WSGI servers."""

from flask import Flask

app = Flask(__name__)


@app.get("/")
def page():
    return "Hello, world!"
