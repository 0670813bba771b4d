"""Fill the templates of the report (the files beside this one)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.page.parts import by_set

TEMPLATE = "sheet.html.jinja"


def render(context: Mapping[str, Any]) -> str:
    """Fill the template; every text is escaped, and a name that the template does not know is an error."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["groupby_set"] = by_set
    return environment.get_template(TEMPLATE).render(context)
