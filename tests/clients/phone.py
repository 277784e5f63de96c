"""Whether a page fits a small phone, without scrolling sideways."""

from __future__ import annotations

from playwright.sync_api import Page

PHONE = {"width": 360, "height": 640}

_WIDER = """() => {
  const name = (element) => element.tagName.toLowerCase() + (element.id && `#${element.id}`);
  const isSeen = (element) => element.checkVisibility() && element.getClientRects().length > 0;
  const isOutside = ({left, right}) => left < -0.5 || right > innerWidth + 0.5;
  const found = [...document.body.querySelectorAll('*')].filter(isSeen)
    .filter((element) => isOutside(element.getBoundingClientRect())).map(name);
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls');
  return found;
}"""

_CUT = """() => {
  const context = document.createElement('canvas').getContext('2d');
  const textIn = (field) => field.value || field.placeholder;
  const isCut = (field) => {
    const style = getComputedStyle(field);
    context.font = style.font;
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    return context.measureText(textIn(field)).width > room;
  };
  return [...document.querySelectorAll('input:not([type=file])')]
    .filter((field) => field.checkVisibility()).filter(isCut).map(textIn);
}"""


def assert_fits(page: Page) -> None:
    """No element stands out of the window of a phone, and what stands in the fields is not cut."""
    page.set_viewport_size(PHONE)
    assert page.evaluate(_WIDER) == []
    assert page.evaluate(_CUT) == []
