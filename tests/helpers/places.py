"""Paths for the tests: the project, its reference numbers, and real images beside the project, if there are any."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "tests" / "reference"
SHARED_DATA = ROOT.parent / "shared" / "data"
