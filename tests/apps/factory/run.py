import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from factory import create_app, socketio

app = create_app({"MOTTO": "real time"})

if __name__ == "__main__":
    socketio.run(app, port=int(os.environ["PORT"]), allow_unsafe_werkzeug=True)
