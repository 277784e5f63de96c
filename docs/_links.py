"""Links that lead out of docs/: in a checkout they open the file, on the site the page or a copy of it.

A page that is nothing but an `include` has the text of a file that stands elsewhere, an example's README say; links to
that file lead to the page. Other files are offered as downloads, which is what MyST makes of them.
"""

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
ROOT = DOCS.parent
_INCLUDE = re.compile(r"```\{include\} (\S+)\n```\s*")
_LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")


def _included(page: Path) -> Path | None:
    found = _INCLUDE.fullmatch(page.read_text(encoding="utf-8"))
    return (page.parent / found[1]).resolve() if found else None


_PAGES = {file: page for page in DOCS.rglob("*.md") if (file := _included(page))}


def read(app: Sphinx, name: str, source: list[str]) -> None:
    """A page's text as the site has it."""
    page = DOCS / f"{name}.md"
    if page.is_file():
        origin = _included(page) or page
        if origin != page:
            app.env.note_dependency(str(origin))
            source[0] = origin.read_text(encoding="utf-8")
        source[0] = _LINK.sub(lambda found: _lead(found, origin, page), source[0])


def _lead(link: re.Match[str], origin: Path, page: Path) -> str:
    target = (origin.parent / link[2]).resolve()
    if target.is_dir():
        target /= "README.md"
    elsewhere = origin != page or DOCS not in target.parents
    if not elsewhere or not target.exists():
        return link[0]
    return f"{link[1]}{os.path.relpath(_PAGES.get(target, target), page.parent)}{link[3]}"
