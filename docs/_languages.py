"""Pages in two languages on one site: each says which it is in, and leads to the same page in the other."""

from typing import Any

from sphinx.application import Sphinx

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


def describe(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: object) -> None:
    """For the templates: the page's language, and `other_language`, its name and where it stands."""
    chinese = page.startswith(CHINESE)
    if chinese:
        context |= {"language": "zh-CN", "_": _translate, "gettext": _translate}
    other = page.removeprefix(CHINESE) if chinese else CHINESE + page
    start = "index" if chinese else CHINESE + "index"
    there = other if other in app.env.found_docs else start
    context["other_language"] = ("English" if chinese else "中文", context["pathto"](there))
