"""The index of the search box: one for both languages."""

import re

from sphinx.search.en import SearchEnglish

_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_WORDS = re.compile(rf"[{_HAN}]+|[^\W{_HAN}]+")


class EnglishAndChinese(SearchEnglish):
    """English words by their stems, and Chinese text by each two characters that follow each other.

    No dictionary decides what a Chinese word is: page and query are cut alike, so a phrase is found wherever it stands.
    """

    lang = "en+zh"
    language_name = "English"  # Sphinx makes a name of it: EnglishStemmer
    js_splitter_code = """
var splitQuery = (query) =>
  (query.match(/[HAN]+|(?:(?![HAN])[\\p{L}\\p{N}_])+/gu) ?? []).flatMap((word) =>
    /[HAN]/.test(word) && word.length > 2
      ? Array.from({ length: word.length - 1 }, (_, at) => word.slice(at, at + 2))
      : [word]
  );
""".replace("HAN", _HAN)

    def split(self, input: str) -> list[str]:
        return [part for word in _WORDS.findall(input) for part in _parts(word)]


def _parts(word: str) -> list[str]:
    """A Chinese text: its characters, and its pairs; what else is a word is one."""
    if not re.match(f"[{_HAN}]", word):
        return [word]
    return [*word, *(word[at : at + 2] for at in range(len(word) - 1))]
