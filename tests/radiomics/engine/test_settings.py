"""Settings of the engine: the presets, overrides per image type, defaults, and refusals by name."""

import inspect

import pytest
from radiomics import getFeatureClasses

from pipeline.foundation.errors import ParamsError
from pipeline.radiomics.engine.settings import DEFAULTS, FEATURES, IMAGE_TYPES, OPTIONAL, engine_settings
from pipeline.radiomics.presets import preset
from pipeline.radiomics.pyradiomics import set_up


@pytest.mark.parametrize("name", ["us2d", "ct3d", "onekey1561", "paper1357"])
def test_the_presets_are_accepted(name):
    found = engine_settings(preset(name).settings)

    assert [one.name for one in found.image_types] == list(preset(name).settings["imageType"])
    assert [kind for kind, _ in found.classes] == list(preset(name).settings["featureClass"])


def test_an_image_type_overrides_the_general_settings():
    found = engine_settings(
        {
            "imageType": {"Original": {}, "LoG": {"sigma": [1, 2.5], "binWidth": 2}},
            "featureClass": {"glcm": ["Idm", "Contrast"], "shape": None},
            "setting": {"binWidth": 10, "force2D": True},
        }
    )
    original, log = found.image_types

    assert (original.bin_width, log.bin_width, log.sigma_mm) == (10, 2, (1, 2.5))
    assert (original.force2d_axis, log.force2d_axis) == (0, 0)
    assert found.classes == (("glcm", ("Idm", "Contrast")), ("shape", FEATURES["shape"]))


def test_without_settings_everything_is_as_in_pyradiomics():
    found, defaults = engine_settings({}), set_up({}).settings

    assert [one.name for one in found.image_types] == ["Original"]
    assert [kind for kind, _ in found.classes] == list(getFeatureClasses())
    assert {key: DEFAULTS[key] for key in defaults if key in DEFAULTS} == {
        key: value for key, value in defaults.items() if key in DEFAULTS
    }


def test_the_features_are_those_of_pyradiomics_in_its_order():
    for kind, members in getFeatureClasses().items():
        names = members.getFeatureNames()
        assert list(FEATURES[kind]) == [name for name, deprecated in names.items() if not deprecated]
        assert set(OPTIONAL.get(kind, ())) <= {name for name, deprecated in names.items() if deprecated}
    assert len(IMAGE_TYPES) == len(set(IMAGE_TYPES)) == 10


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"setting": {"weightingNorm": "euclidean"}}, "weightingNorm: euclidean"),
        ({"setting": {"label": 2}}, "label: 2"),
        ({"setting": {"preCrop": True}}, "preCrop: True"),
        ({"voxelSetting": {"kernelRadius": 2}}, "voxelSetting"),
        ({"setting": {"kernelRadius": 2}}, "kernelRadius"),
        ({"imageType": {"Original": {"weightingNorm": "manhattan"}}}, "weightingNorm: manhattan in imageType Original"),
        ({"imageType": {"Mean": {}}}, "image type Mean"),
        ({"featureClass": {"glcm": ["Homogeneity1"]}}, "Homogeneity1 of the class glcm"),
        ({"featureClass": {"fractal": []}}, "class fractal"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(settings, named):
    with pytest.raises(ParamsError, match=f"the fast engine does not implement .*{named}.*; set engine: pyradiomics"):
        engine_settings(settings)


def test_every_default_is_read():
    source = inspect.getsource(inspect.getmodule(engine_settings))

    assert [key for key in DEFAULTS if source.count(f'"{key}"') < 2] == []
