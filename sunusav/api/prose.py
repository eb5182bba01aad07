"""The few forms of Markdown that the problem pages use, as HTML: paragraphs, fenced code, lists, `code`."""

import re
from collections.abc import Iterator

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`]+)`")
_ITEM = "- "


def html_of(prose: str) -> SafeString:
    """Render prose from our own files; every character of it is escaped first."""
    # Escaped text with tags of ours around it; nothing else reaches here.
    return mark_safe("\n".join(_blocks(prose)))  # noqa: S308


def _blocks(prose: str) -> Iterator[str]:
    """Yield blocks; every second piece of the split is the inside of a fence."""
    for number, piece in enumerate(_FENCE.split(prose)):
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
