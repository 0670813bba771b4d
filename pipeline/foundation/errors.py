"""The errors a user may see: each is one sentence that says what is wrong, where, and what to do."""

from collections.abc import Sequence


class PipelineError(Exception):
    """An error the user can fix; shown without a traceback."""


class ParamsError(PipelineError):
    """A params file holds a value that is not allowed."""


class TableError(PipelineError):
    """A table breaks its contract."""


class ImageError(PipelineError):
    """An image or a mask cannot be read or used."""


class CohortError(PipelineError):
    """The cohort has faults that stop the analysis."""


def listed(faults: Sequence[str], *, heading: str, limit: int = 50) -> str:
    """Join all faults into one message: the heading, one line per fault, and a count of those not shown.

    Parameters: `faults` (sentences), `heading` (without a colon at its end), `limit` (maximum number of lines shown).
    """
    shown = [f"  - {fault}" for fault in faults[:limit]]
    if len(faults) > limit:
        shown.append(f"  … and {len(faults) - limit} more")
    return "\n".join([f"{heading}:", *shown])
