"""Fill the templates of the report (in the folder `templates` beside this file)."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.report.page.markup import breakable

TEMPLATE, SCRIPT = "page.html.jinja", "page.js"
# In page order; the section repeats its heading. `networks` is a subsection of `selftest`. A study without predicted
# masks, without habitats or without contributions lacks their sections (`absent`).
PLACES = {
    "result": "The result in brief",
    "selftest": "Does the pipeline leak? Its self-tests",
    "patients": "Who was studied",
    "segmentation": "Masks: segmentation and its effect",
    "discrimination": "How well the feature sets discriminate",
    "calibration": "Are the probabilities right, and would acting on them help?",
    "comparisons": "Are the differences real?",
    "models": "All models",
    "subgroups": "Subgroups",
    "features": "Selected features",
    "habitats": "Habitats of the lesion",
    "nomogram": "Nomogram",
    "contributions": "What the models rely on",
    "cases": "Right and wrong predictions",
    "excluded": "Excluded cases, failures, warnings",
    "methods": "Methods, as run",
    "sample-size": "Sample size",
    "checklists": "Reporting checklists",
    "provenance": "Data, parameters, versions",
    "terms": "Terms",
    "networks": "Networks",
}
# The templates of the sections in page order, after the result.
SECTIONS = (
    *("selftest", "patients", "segmentation", "discrimination", "calibration", "comparisons", "models", "subgroups"),
    *(
        "features",
        "habitats",
        "nomogram",
        "contributions",
        "cases",
        "excluded",
        "methods",
        "sample",
        "checklists",
        "annex",
    ),
)


def render(context: Mapping[str, Any]) -> str:
    """Fill the template; every text is escaped, and an undefined variable is an error.

    The page runs only its own script and loads nothing: its content security policy contains the script's hash.
    """
    folder = Path(__file__).parent / "templates"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["breakable"] = breakable
    script = (folder / SCRIPT).read_text(encoding="utf-8")
    fixed = {"places": PLACES, "sections": SECTIONS, "policy": _policy(script), "script": Markup(script)}
    return environment.get_template(TEMPLATE).render(fixed | dict(context))


def _policy(script: str) -> str:
    """Nothing may be fetched: styles, images and the one script are embedded in the page."""
    # The browser hashes the text between the tags, including the line break after <script>.
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
