import re
import subprocess
import sys

import pytest
import requests
import socketio

COMMAND = [sys.executable, "-m", "flask", "--app", "app", "socketio", "run", "--port", "0"]


@pytest.fixture
def url():
    with subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as server:
        for line in server.stdout:
            found = re.search(r"Running on (http://[\w.:]+)", line.decode())
            if found:
                yield found[1]
                break
        server.terminate()


@pytest.fixture
def client(url):
    answer = requests.post(f"{url}/token", data={"name": "bob", "password": "builder"}, timeout=10)
    with socketio.SimpleClient() as client:
        client.connect(url, auth=answer.json())
        yield client


def test_without_login_the_server_says_why(url):
    client = socketio.Client()
    reasons = []
    client.on("connect_error", reasons.append)
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(url)
    assert reasons == [{"message": "please log in"}]


def test_the_report_is_ready_in_the_end(client):
    assert client.call("report", timeout=10) == "It has begun."
    percent = 0
    while percent < 100:
        event, percent = client.receive(timeout=10)
        assert event == "progress"
