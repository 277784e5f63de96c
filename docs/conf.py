"""How Sphinx makes the documentation: `make docs`. What pages may contain: tests/docs/README.md."""

import logging
import sys
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))
import _languages
import _links
import _search

project = "Flask-Duplex"
author = "The Flask-Duplex developers"
copyright = author
version = release = version_of("flask-duplex")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]

# Docstrings are Markdown for those who read them in an editor: what stands in backticks is code.
default_role = "code"
autodoc_class_signature = "mixed"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True

myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]

templates_path = ["_templates"]
exclude_patterns = ["_templates"]

html_theme = "furo"
html_title = "Flask-Duplex"
html_copy_source = False
html_show_sourcelink = False
html_search_language = _search.EnglishAndChinese.lang
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "sidebar/language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
html_theme_options = {"navigation_with_keys": True}

# A prompt is not part of a command.
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_search_language(_search.EnglishAndChinese)
    app.connect("source-read", _links.read)
    app.connect("html-page-context", _languages.describe, priority=900)  # after the theme
    app.add_lexer("haproxy", TextLexer)  # Pygments knows no such language
    # A folder of pages may be empty.
    logging.getLogger("sphinx.sphinx.directives.other").addFilter(
        lambda record: "didn't match any documents" not in str(record.msg)
    )
    return {"parallel_read_safe": True}
