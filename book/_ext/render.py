"""The texts that are data and no code: the files of `templates`, filled in by Jinja."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

TEMPLATES = Path(__file__).with_name("templates")
ENVIRONMENT = Environment(
    loader=FileSystemLoader(TEMPLATES),
    autoescape=select_autoescape(["html.j2"]),
    trim_blocks=True,
    keep_trailing_newline=True,
)


def render(template: str, **values: object) -> str:
    return ENVIRONMENT.get_template(template).render(values)
