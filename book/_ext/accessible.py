"""Sphinx: mend what the theme and its extensions leave doubled or unreadable in the pages."""

import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

# sphinx-proof and sphinx-exercise give every box the same ids; an id may occur once a page
REPEATED_ID = re.compile(
    r' id="(?:proof|exercise|solution)-content"|(?<=class="proof admonition") id="proof"'
)
# a list must hold list items, and citations are none
CITATION_LIST = '<div role="list" class="citation-list">'
# a heading must head something, and a row's name has none
EMPTY_HEADING = re.compile(r"<th([^>]*)>(?:<p></p>)?</th>")
DEPRECATED = ' role="doc-biblioentry"'
# a list of descriptions must describe something; these are the lines of a signature
SIGNATURE = re.compile(r'<dl>(\s*<dd><em class="sig-param">.*?)</dl>', re.DOTALL)
# the figure itself is drawn by anywidget-static.js
WIDGET_VIEW = re.compile(
    r'(<script type="application/vnd\.jupyter\.widget-view\+json">.*?</script>)', re.DOTALL
)
WITHOUT_SCRIPT = (
    '<noscript><p class="widget-missing">This part of the page needs JavaScript.</p></noscript>'
)


def mend(html: str) -> str:
    html = REPEATED_ID.sub("", html)
    html = html.replace(CITATION_LIST, '<div class="citation-list">')
    html = EMPTY_HEADING.sub(r"<td\1></td>", html).replace(DEPRECATED, "")
    html = SIGNATURE.sub(lambda found: lines_of_signature(found[1]), html)
    return WIDGET_VIEW.sub(rf"\1{WITHOUT_SCRIPT}", html)


def lines_of_signature(html: str) -> str:
    lines = html.replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")
    return f'<span class="sig-lines">{lines}</span>'


def mend_page(
    app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    if "body" in context:
        context["body"] = mend(context["body"])
    if page == "_modules/index":  # viewcode puts lists right into lists
        head, *items = re.split(r"(?=<li>)", re.sub(r"</?ul>\s*", "", context["body"]))
        context["body"] = f"{head}<ul>{''.join(items)}</ul>"
    if page == "search":
        app.add_js_file("from-disk.js")


def join(app: Sphinx) -> None:
    app.config.templates_path.append(str(Path(__file__).with_name("templates")))
    app.connect("html-page-context", mend_page)
