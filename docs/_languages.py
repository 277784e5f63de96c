"""Pages in two languages on one site: each says which it is in, and leads to the same page in the other."""

from typing import Any

from furo.navigation import get_navigation_tree
from sphinx.addnodes import toctree
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment.adapters.toctree import TocTree

CHINESE = "zh/"
#: what the theme says itself; of most Sphinx has no translation
_WORDS = {
    "Back to top": "回到顶部",
    "Error": "错误",
    "Home": "首页",
    "Index": "索引",
    "Next": "下一页",
    "On this page": "本页内容",
    "Please activate JavaScript to enable the search functionality.": "搜索需要启用 JavaScript。",
    "Previous": "上一页",
    "Search": "搜索",
    "Skip to content": "跳到正文",
    "Toggle Light / Dark / Auto color theme": "切换浅色、深色或自动配色",
    "Toggle site navigation sidebar": "打开或关闭导航",
    "Toggle table of contents sidebar": "打开或关闭目录",
}


def _translate(text: str) -> str:
    return _WORDS.get(text, text)


def _chinese_tree(app: Sphinx, page: str) -> str:
    """What there is in Chinese, as HTML: the theme's navigation has all pages, by English names."""
    builder = app.builder
    assert isinstance(builder, StandaloneHTMLBuilder)
    parts = [
        TocTree(app.env).resolve(
            page, builder, node, titles_only=True, includehidden=True, maxdepth=-1
        )
        for node in app.env.get_doctree(CHINESE + "index").findall(toctree)
    ]
    return "".join(builder.render_partial(part)["fragment"] for part in parts if part is not None)


def describe(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """For the templates: the page's language, and `other_language`, its name and where it stands."""
    chinese = page.startswith(CHINESE)
    if chinese:
        context |= {"language": "zh-CN", "_": _translate, "gettext": _translate}
        context["furo_navigation_tree"] = get_navigation_tree(_chinese_tree(app, page))
    other = page.removeprefix(CHINESE) if chinese else CHINESE + page
    start = "index" if chinese else CHINESE + "index"
    there = other if other in app.env.found_docs else start
    context["other_language"] = ("English" if chinese else "中文", context["pathto"](there))
