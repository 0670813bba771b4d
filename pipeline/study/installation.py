"""What is installed here: Python, PyRadiomics with the packages of its filters, torch and its devices."""

import importlib.metadata
import importlib.util
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path

# Without its package PyRadiomics drops the filter and says nothing.
FILTERS = {"pywt": ("PyWavelets", "wavelet"), "skimage": ("scikit-image", "LBP2D"), "trimesh": ("trimesh", "LBP3D")}
OLDEST = (3, 11)
REMEDY = "run make setup"
Find = Callable[[str], ModuleSpec | None]


@dataclass(frozen=True, kw_only=True)
class Installation:
    """Sentences about what is there, and about what is missing."""

    facts: list[str]
    faults: list[str]


def installation(
    *, find: Find = importlib.util.find_spec, version: tuple[int, ...] = sys.version_info[:3]
) -> Installation:
    """Look at the installation; `find` returns the import spec of a top-level module, or None.

    Nothing but torch is imported. Source of what is needed: requirements.txt.
    """
    facts = [f"Python {'.'.join(map(str, version))} at {sys.executable} on {platform.system()} {platform.machine()}"]
    faults = []
    if version[:2] < OLDEST:
        faults.append(
            f"Python is {'.'.join(map(str, version))}, and 3.11 or newer is needed; name it: make PYTHON=python3.11"
        )
    for told, wrong in (_radiomics(find), _filters(find), _torch(find)):
        facts += told
        faults += wrong
    return Installation(facts=facts, faults=faults)


def _radiomics(find: Find) -> tuple[list[str], list[str]]:
    """Whether the package `radiomics` is PyRadiomics: others of this name have no feature extractor."""
    spec = find("radiomics")
    if spec is None:
        return [], [f"PyRadiomics is not installed; {REMEDY}"]
    folder = Path(spec.origin).parent if spec.origin else Path(*(spec.submodule_search_locations or [""])[:1])
    if not (folder / "featureextractor.py").exists():
        other = f"the package radiomics at {folder} is not PyRadiomics (it has no featureextractor)"
        return [], [f"{other}; uninstall or rename it, then {REMEDY}"]
    return [f"PyRadiomics {_version('pyradiomics')} at {folder}"], []


def _filters(find: Find) -> tuple[list[str], list[str]]:
    missing = [module for module in FILTERS if find(module) is None]
    faults = [
        f"{package} is not installed, and without it PyRadiomics drops the filter {name}; {REMEDY}"
        for package, name in (FILTERS[module] for module in missing)
    ]
    there = [f"{FILTERS[module][0]} {_version(FILTERS[module][0])}" for module in FILTERS if module not in missing]
    return ([f"packages of its filters: {', '.join(there)}"] if there else []), faults


def _torch(find: Find) -> tuple[list[str], list[str]]:
    """The devices that torch can use."""
    if find("torch") is None:
        return [], [f"torch is not installed; {REMEDY}"]
    import torch

    if not torch.cuda.is_available():
        build = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built for CPUs"
        return [f"torch {torch.__version__}, {build}, sees no GPU: networks are trained on the CPU"], []
    names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
    return [f"torch {torch.__version__} sees {len(names)} GPU ({', '.join(names)})"], []


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "of unknown version"
