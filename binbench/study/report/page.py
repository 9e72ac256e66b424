"""Markdown as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import html
from pathlib import Path

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 75rem; padding: 1rem 1.5rem 4rem; }
h1, h2, h3 { line-height: 1.2; margin: 2.2em 0 .6em; }
h1 { margin-top: .6em; }
h2 { border-bottom: 2px solid #0072b2; padding-bottom: .2em; }
.table { overflow-x: auto; margin: .6rem 0 1.4rem; }
table { border-collapse: collapse; font-size: .84rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top; }
th { text-align: left; background: #f3f6f9; }
tbody tr:hover { background: #f3f6f9; }
img { max-width: 100%; height: auto; }
code, pre { background: #f3f6f9; border-radius: 3px; padding: .1em .3em; font-size: .9em; }
pre { padding: .8em; overflow-x: auto; }
@media print { body { max-width: none; font-size: 11px; } .table { overflow: visible; } }
"""


def page(markdown: str, title: str, folder: Path) -> str:
    """`markdown` as an HTML page; the images it names, files in `folder`, are put into it."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for token in tokens:
        for child in token.children or []:
            if child.type == "image":
                file = folder / str(child.attrs["src"])
                if file.is_file():
                    encoded = base64.b64encode(file.read_bytes()).decode()
                    child.attrs["src"] = f"data:image/svg+xml;base64,{encoded}"
    body = parser.renderer.render(tokens, parser.options, {})
    # Wide tables scroll by themselves instead of the page.
    body = body.replace("<table>", '<div class="table"><table>').replace("</table>", "</table></div>")
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{html.escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
