"""Notes, comments and reports in Markdown as safe HTML: no raw HTML, nothing that runs, no foreign images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from fettle.core import ids
from fettle.web.remembered import Remembered

LONGEST = 200_000
"""Characters; what is longer is shown as plain text."""
HIGHEST = 3
"""The level of the largest heading: a page has its own above."""

Block = Callable[[str, str], Markup | None]
"""Draws a fenced block of some kind from its text; None where it is only code."""

_kept = Remembered(256)


def render(text: str) -> Markup:
    r"""The HTML of a Markdown text.

    Example:
        >>> render("**5 %** <b>better</b>")
        Markup('<p><strong>5 %</strong> &lt;b&gt;better&lt;/b&gt;</p>\n')
    """
    if not text.strip():
        return Markup("")
    return _kept.get(ids.digest(text.encode("utf-8", "replace")), lambda: render_with(text))


def render_with(text: str, block: Block | None = None, *, highest: int = HIGHEST) -> Markup:
    """The HTML of a Markdown text whose fenced blocks may be drawn.

    Args:
        text: The Markdown.
        block: Draws a fenced block.
        highest: The level of its largest heading.
    """
    if len(text) > LONGEST:
        return Markup('<pre class="block" tabindex="0">{}</pre>').format(text)
    tokens = _parser().parse(text)
    _settle_headings(tokens, highest)
    return Markup(_parser().renderer.render(tokens, _parser().options, {"block": block}))


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 40}).enable(["table", "strikethrough"])
    parser.add_render_rule("fence", _fence)
    parser.add_render_rule("code_block", _fence)
    parser.add_render_rule("image", _image)
    parser.add_render_rule("link_open", _link)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0"><table>')
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    return parser


def _fence(_: Any, tokens: Sequence[Token], index: int, __: Any, env: dict[str, Any]) -> str:
    token, draw = tokens[index], env.get("block")
    kind = token.info.strip().split(maxsplit=1)[0] if token.info.strip() else ""
    drawn = draw(kind, token.content) if draw is not None else None
    if drawn is not None:
        return str(drawn)
    return str(Markup('<pre class="block" tabindex="0"><code>{}</code></pre>\n').format(token.content))


def _image(_: Any, tokens: Sequence[Token], index: int, __: Any, ___: Any) -> str:
    """An image of this server as an image, any other as a link: pages load nothing from other hosts."""
    token = tokens[index]
    source, said = str(token.attrs.get("src", "")), token.content or "image"
    if source.startswith("/") and not source.startswith(("//", "/\\")):
        return str(Markup('<img class="preview" src="{}" alt="{}">').format(source, said))
    return f'<a href="{escape(source)}" rel="noopener noreferrer nofollow">{escape(said)}</a>'


def _link(renderer: Any, tokens: Sequence[Token], index: int, _: Any, __: Any) -> str:
    token = tokens[index]
    if not str(token.attrs.get("href", "")).startswith("/"):
        token.attrs["rel"] = "noopener noreferrer nofollow"
    return f"<a{renderer.renderAttrs(token)}>"


def _settle_headings(tokens: Sequence[Token], highest: int) -> None:
    """Headings of any levels become those from `highest` on, without a gap."""
    headings = [each for each in tokens if each.type in ("heading_open", "heading_close")]
    levels = sorted({each.tag for each in headings})
    for each in headings:
        each.tag = f"h{min(6, highest + levels.index(each.tag))}"
