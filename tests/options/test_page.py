"""docs/options.md says what the table says."""

from tests.options.page import COMMAND, PAGE, text


def test_the_page_is_that_of_the_table() -> None:
    assert PAGE.read_text() == text(), f"{PAGE.name} is out of date: {COMMAND}"
