"""A client without a browser. Start `make example` first, then: pip install "python-socketio[client]"

Any client of Socket.IO version 5 will do; there are ones for Java, Swift, C++, Dart, Go, Rust and more.
"""

import sys

import socketio

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8029"

with socketio.SimpleClient() as client:
    client.connect(url)
    print("connected over", client.transport)
    for text in ("Hello from a program", "and goodbye"):
        client.emit("message", text)
        event, data = client.receive(timeout=5)
        print(event, data["text"])
