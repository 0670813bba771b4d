from importlib.machinery import ModuleSpec

import pytest

from pipeline.study.installation import installation


def finder(folder, *missing, other=False):
    """Every package lies in `folder`, but those that are `missing`; `other` = radiomics is another package."""
    if not other:
        (folder / "featureextractor.py").touch()

    def find(name):
        return None if name in missing else ModuleSpec(name, None, origin=str(folder / "__init__.py"))

    return find


def test_this_installation_has_what_the_pipeline_needs():
    found = installation()

    assert found.faults == []
    assert "PyRadiomics 3.0.1 at " in " ".join(found.facts)
    assert any(fact.startswith("torch ") for fact in found.facts)


MISSING = {
    "pywt": "PyWavelets is not installed, and without it PyRadiomics drops the filter wavelet; run make setup",
    "skimage": "scikit-image is not installed, and without it PyRadiomics drops the filter LBP2D; run make setup",
    "trimesh": "trimesh is not installed, and without it PyRadiomics drops the filter LBP3D; run make setup",
    "radiomics": "PyRadiomics is not installed; run make setup",
    "torch": "torch is not installed; run make setup",
}


@pytest.mark.parametrize("module", MISSING)
def test_a_package_that_is_missing_is_one_sentence(tmp_path, module):
    assert installation(find=finder(tmp_path, module)).faults == [MISSING[module]]


def test_another_package_of_the_name_radiomics_is_no_pyradiomics(tmp_path):
    (fault,) = installation(find=finder(tmp_path, other=True)).faults

    assert fault.startswith(f"the package radiomics at {tmp_path} is not PyRadiomics (it has no featureextractor); ")


def test_an_old_python_is_named(tmp_path):
    (fault,) = installation(find=finder(tmp_path), version=(3, 10, 4)).faults

    assert fault.startswith("Python is 3.10.4, and 3.11 or newer is needed")


def test_the_devices_of_torch_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda number: f"card {number}")

    assert " sees 2 GPU (card 0, card 1)" in installation(find=finder(tmp_path)).facts[-1]
