"""Fill the templates of the report (the folder `templates` beside this file)."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

TEMPLATE, SCRIPT = "page.html.jinja", "page.js"
# In the order of the page; the heading stands in the section itself too. `networks` is a part of `selftest`.
PLACES = {
    "result": "The result in brief",
    "selftest": "Does the pipeline leak? Its tests of itself",
    "patients": "Who was studied",
    "discrimination": "How well the sets tell patients apart",
    "calibration": "Are the probabilities right, and would acting on them help?",
    "comparisons": "Are the differences real?",
    "models": "All models",
    "subgroups": "Subgroups",
    "features": "Selected features",
    "nomogram": "Nomogram",
    "cases": "Right and wrong predictions",
    "excluded": "Cases left out, failures, warnings",
    "methods": "Methods, as run",
    "sample-size": "Sample size",
    "checklists": "Reporting checklists",
    "provenance": "Data, parameters, versions",
    "terms": "Terms",
    "networks": "Networks",
}
# Templates in the order of the page, after the result.
PARTS = (
    *("selftest", "patients", "discrimination", "calibration", "comparisons", "models", "subgroups", "features"),
    *("nomogram", "cases", "excluded", "methods", "sample", "checklists", "annex"),
)


def render(context: Mapping[str, Any]) -> str:
    """Fill the template; every text is escaped, and a name that the template does not know is an error.

    The page may run its own script and load nothing: its content security policy names the script's hash.
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
    script = (folder / SCRIPT).read_text(encoding="utf-8")
    fixed = {"places": PLACES, "parts": PARTS, "policy": _policy(script), "script": Markup(script)}
    return environment.get_template(TEMPLATE).render(fixed | dict(context))


def _policy(script: str) -> str:
    """Nothing may be fetched; styles and the one script are in the page, pictures are written into it."""
    # The browser hashes what stands between the tags: the line break after <script> belongs to it.
    digest = base64.b64encode(hashlib.sha256(f"\n{script}".encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"
