import requests
import socketio

URL = "http://127.0.0.1:8000"

answer = requests.post(f"{URL}/token", data={"name": "bob", "password": "builder"}, timeout=10)
answer.raise_for_status()

with socketio.SimpleClient() as client:
    client.connect(URL, auth={"token": answer.json()["token"]})
    client.emit("join", "Lobby")
    client.emit("say", "Hello from a program")
    print(client.receive(timeout=10))
    print(client.receive(timeout=10))
