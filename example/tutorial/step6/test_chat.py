import pytest
from app import app, socketio


def log_in(name, password):
    web = app.test_client()
    web.post("/login", data={"name": name, "password": password})
    return socketio.test_client(app, flask_test_client=web)


@pytest.fixture
def ada():
    return log_in("ada", "analytical")


@pytest.fixture
def bob():
    return log_in("bob", "builder")


def test_nobody_is_let_in_without_login():
    assert not socketio.test_client(app).is_connected()


def test_a_token_is_as_good_as_a_session():
    answer = app.test_client().post("/token", data={"name": "bob", "password": "builder"})
    assert socketio.test_client(app, auth=answer.json).is_connected()
    assert not socketio.test_client(app, auth={"token": "made up"}).is_connected()


def test_who_is_in_the_room_hears_it(ada, bob):
    ada.emit("join", "Lobby")
    bob.emit("join", "Garden")
    bob.get_received()
    ada.emit("say", "Hello")
    assert ada.get_received()[-1]["args"] == [{"name": "ada", "text": "Hello"}]
    assert bob.get_received() == []


def test_an_image_arrives_as_it_was_sent(ada, bob):
    for person in (ada, bob):
        person.emit("join", "Lobby")
    image = b"\x89PNG\r\n" + bytes(range(256))
    assert ada.emit("image", image, callback=True) == "Sent."
    assert bob.get_received()[-1]["args"] == [{"name": "ada", "data": image}]
    assert ada.emit("image", b"no image", callback=True).startswith("This is no PNG")


@pytest.mark.parametrize(
    ("answer", "result"), [(True, "Cleared."), (False, "Nothing was cleared.")]
)
def test_the_browser_is_asked_first(ada, answer, result):
    ada.emit("join", "Lobby")
    ada.on("confirm", lambda question: answer)
    assert ada.emit("clear", callback=True) == result
