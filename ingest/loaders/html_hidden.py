"""What a reader of a web page does not see is taken out: it hides text that only a model would read."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

_UNSEEN = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0(?![.\d]*[1-9])|font-size:0(?![.\d]*[1-9])|"
    r"font-size:(?:1|0?\.\d+)p[xt]|(?<![\w-])color:transparent|text-indent:-\d{3,}|"
    r"clip-path:inset\((?:50|100)%|transform:scale\(0\)"
)
_PLACED = re.compile(r"position:(?:absolute|fixed)")
_OFF_PAGE = re.compile(r"(?:left|right|top|bottom):-\d{3,}(?:\.\d+)?(?:px|em|rem|vw|%|pt)")
_SIZE_NOTHING = re.compile(r"(?:^|;)(?:max-)?(?:height|width):0(?:px)?(?:;|$|!)")
_COLOUR = re.compile(r"(?<![\w-])color:([^;!]+)")
_BACKGROUND = re.compile(r"(?<![\w-])background(?:-color)?:([^;!]+)")
_COLOURS = {"#ffffff": "#fff", "white": "#fff", "rgb(255,255,255)": "#fff", "#000000": "#000", "black": "#000"}
_NO_TEXT = ("script", "style", "template", "noscript")
_ALWAYS_SEEN = frozenset({"html", "body"})
"""Pages hide these until their scripts have run."""


def drop_unseen(tree: Any) -> list[str]:
    """Take out of a page's tree what its reader does not see, and give the text of it.

    Templates and what is shown only without scripts are taken out as well, but hide nothing.
    """
    outermost: list[Any] = []
    walker = etree.iterwalk(tree, events=("start",))
    for _, element in walker:
        if _is_unseen(element):
            outermost.append(element)
            walker.skip_subtree()
    hidden = [text for element in outermost if (text := _text(element))]
    for element in [*outermost, *tree.iter("template", "noscript")]:
        if element.getparent() is not None:
            element.drop_tree()
    return hidden


def _text(element: Any) -> str:
    for inner in [*element.iter(*_NO_TEXT)]:
        if inner is not element and inner.getparent() is not None:
            inner.drop_tree()
    return "" if element.tag in _NO_TEXT else " ".join(element.text_content().split())


def _is_unseen(element: Any) -> bool:
    if element.tag in _ALWAYS_SEEN:
        return False
    style = re.sub(r"\s+", "", element.get("style") or "").lower()
    if "hidden" in element.attrib or (style and _UNSEEN.search(style)):
        return True
    if not style:
        return False
    off_page = _PLACED.search(style) and _OFF_PAGE.search(style)
    nothing = "overflow:hidden" in style and _SIZE_NOTHING.search(style)
    return bool(off_page or nothing or _same_colours(style))


def _same_colours(style: str) -> bool:
    """Whether text and background are said to be of one colour."""
    text, background = _COLOUR.search(style), _BACKGROUND.search(style)
    if not text or not background:
        return False
    first, second = (_COLOURS.get(match.group(1), match.group(1)) for match in (text, background))
    return first == second
