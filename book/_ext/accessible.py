"""Sphinx: mend what the theme and its extensions leave doubled or unreadable in the pages."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

WITHOUT_SCRIPT = (
    '<noscript><p class="widget-missing">This part of the page needs JavaScript.</p></noscript>'
)
MENDS = (
    # sphinx-proof and sphinx-exercise give every box the same ids; an id may occur once a page
    (r' id="(?:proof|exercise|solution)-content"|(?<=class="proof admonition") id="proof"', ""),
    # a list must hold list items, and citations are none
    ('<div role="list" class="citation-list">', '<div class="citation-list">'),
    # a heading must head something, and a row's name has none
    (r"<th([^>]*)>(?:<p></p>)?</th>", r"<td\1></td>"),
    (' role="doc-biblioentry"', ""),  # deprecated
    # a list of descriptions must describe something; these are the lines of a signature
    (r'<dd>(<em class="sig-param">.*?)</dd>', r'<span class="sig-line">\1</span>'),
    (r'<dl>(\s*<span class="sig-line">.*?)</dl>', r'<span class="sig-lines">\1</span>'),
    # the figure itself is drawn by anywidget-static.js
    (
        r'(<script type="application/vnd\.jupyter\.widget-view\+json">.*?</script>)',
        rf"\1{WITHOUT_SCRIPT}",
    ),
)


def mend_page(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    for pattern, mended in MENDS if "body" in context else ():
        context["body"] = re.sub(pattern, mended, context["body"], flags=re.DOTALL)
    if page == "_modules/index":  # viewcode puts lists right into lists
        head, *items = re.split(r"(?=<li>)", re.sub(r"</?ul>\s*", "", context["body"]))
        context["body"] = f"{head}<ul>{''.join(items)}</ul>"
    if page == "search":
        app.add_js_file("from-disk.js")


def join(app: Sphinx) -> None:
    app.config.templates_path.append(str(Path(__file__).with_name("templates")))
    app.connect("html-page-context", mend_page)
