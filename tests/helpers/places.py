"""Where the tests find things: the project, their reference numbers, and real images beside the project if any."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests" / "reference"
SHARED_DATA = ROOT.parent / "shared" / "data"
