"""docs/deployment.md says what the tests try."""

from tests.deployment.page import COMMAND, PAGE, text


def test_the_page_is_that_of_the_rows() -> None:
    assert PAGE.read_text() == text(), f"{PAGE.name} is out of date: {COMMAND}"
