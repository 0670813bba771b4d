"""Import torchvision even if its compiled operators do not match the installed torch.

The torchvision wheel of the package index is compiled for the CUDA build of torch. Beside a CPU build its library does
not load, and `import torchvision` stops with "operator torchvision::nms does not exist", though its models and
transforms need no such operator. Declaring the two operators that it looks for makes them usable. If the library
loads, nothing is declared.
"""

import functools
import importlib.util
from pathlib import Path
from types import ModuleType

import torch

NAMES = ("nms", "qnms")
SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


@functools.cache
def load_torchvision() -> ModuleType:
    """The torchvision package with `models` and `transforms.v2` usable; import it through this function only.

    Raises ImportError if torchvision is not installed.
    """
    _load_compiled_operators()
    declare_missing_operators()
    import torchvision
    import torchvision.models
    import torchvision.transforms.v2

    return torchvision


def _load_compiled_operators() -> None:
    """Load torchvision's own library first: what it defines must not be declared a second time."""
    spec = importlib.util.find_spec("torchvision")
    folders = spec.submodule_search_locations if spec is not None else None
    for library in sorted(file for folder in folders or () for file in Path(folder).glob("_C.*")):
        try:
            torch.ops.load_library(library)
        except OSError:  # compiled for another build of torch
            continue


@functools.cache  # the declarations live as long as the returned object
def declare_missing_operators() -> torch.library.Library | None:
    """Declare those of torchvision's operators that do not exist; None if all exist."""
    missing = [name for name in NAMES if not hasattr(torch.ops.torchvision, name)]
    if not missing:
        return None
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in missing:
        library.define(name + SIGNATURE)
    return library
