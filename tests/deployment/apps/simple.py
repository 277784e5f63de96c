"""Werkzeug's server, as `app.run()` uses it: THREADED=1 gives each request a thread."""

import os

from werkzeug.serving import run_simple

from tests.deployment.apps.app import app

if __name__ == "__main__":
    run_simple("127.0.0.1", int(os.environ["PORT"]), app, threaded="THREADED" in os.environ)
