"""HTML of the Markdown that the problem pages use: paragraphs, fenced code, lists and `code`."""

import re
from collections.abc import Iterator

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_ITEM = "- "


def render_markdown(text: str) -> SafeString:
    """Render Markdown as HTML. Every character of it is escaped first."""
    return mark_safe("\n".join(_blocks(text)))  # noqa: S308  (escaped text between our own tags)


def _blocks(text: str) -> Iterator[str]:
    """Yield blocks. Every second piece of the split is the inside of a fence."""
    for number, piece in enumerate(_FENCE.split(text)):
        if number % 2:
            yield f"<pre><code>{escape(piece.rstrip())}</code></pre>"
        else:
            yield from (_block(block.strip()) for block in piece.split("\n\n") if block.strip())


def _block(block: str) -> str:
    if block.startswith(_ITEM):
        items = ("\n" + block).split("\n" + _ITEM)[1:]
        return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>"
    return f"<p>{_inline(block)}</p>"


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
