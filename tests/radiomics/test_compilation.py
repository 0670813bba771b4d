"""The kernels of the engine are all compiled before the first extraction, and once."""

import itertools
import logging
from typing import get_args

import pytest
from used_kernels import used_kernels

from pipeline.foundation.kernels import kernels_of
from pipeline.radiomics import compilation
from pipeline.radiomics.compilation import (
    ENGINE,
    GROUPS,
    MESSAGE,
    RESAMPLED_MM,
    _spaced,
    compile_engine,
    compile_group,
    kernels_of_group,
    use_filter_kernels,
    use_shape_kernels,
    use_texture_kernels,
)
from pipeline.radiomics.features import RadiomicsParams, prepare
from pipeline.radiomics.presets import PresetName, preset
from pipeline.radiomics.recipe import extract, recipe_of, synthetic_lesion


def signatures():
    return {(one.__module__, one.__qualname__): set(one.signatures) for one in kernels_of(ENGINE)}


def test_every_kernel_of_the_engine_is_in_one_group_and_used_in_every_form_that_the_presets_need():
    use_filter_kernels()
    use_shape_kernels()
    use_texture_kernels()
    compiled, kernels = signatures(), kernels_of(ENGINE)

    assert len(kernels) > 20
    assert used_kernels(kernels) == [kernel.__qualname__ for kernel in kernels]
    assert sorted(map(id, [one for group in GROUPS for one in kernels_of_group(group)])) == sorted(map(id, kernels))
    for name in get_args(PresetName):
        chosen = preset(name)
        recipe = recipe_of(chosen.settings, engine="fast", grid=chosen.grid)
        for spacing in (None, RESAMPLED_MM) if chosen.grid == "3-D" else (None,):
            image, mask = (_spaced(part, spacing=spacing) for part in synthetic_lesion(chosen.grid))
            extract(recipe, image=image, mask=mask)
    assert signatures() == compiled


def test_no_kernel_of_a_group_calls_one_of_another():
    names = {group: {one.__qualname__ for one in kernels_of_group(group)} for group in GROUPS}
    called = {
        group: {name for one in kernels_of_group(group) for name in one.py_func.__code__.co_names} for group in GROUPS
    }

    assert min(len(own) for own in names.values()) > 4
    for own, other in itertools.permutations(GROUPS, 2):
        assert not called[own] & names[other]


@pytest.mark.parametrize(("cached", "lines"), [(False, [MESSAGE]), (True, [])])
def test_a_cold_cache_is_filled_with_one_line_and_a_full_one_in_silence(cached, lines, monkeypatch, caplog):
    done = []
    monkeypatch.setattr(compilation, "cached", lambda _: cached)
    monkeypatch.setattr(compilation, "map_cases", lambda _, groups, **_rest: done.extend(groups) or [True])
    with caplog.at_level(logging.INFO):
        assert compile_engine() is not cached

    assert (caplog.messages, done) == (lines, [] if cached else list(GROUPS))


def test_a_group_is_compiled_once(monkeypatch):
    done = []
    monkeypatch.setattr(compilation, "use_shape_kernels", lambda: done.append("shapes"))
    monkeypatch.setattr("pipeline.foundation.kernels._files", lambda _: [])
    for cached in (False, True):
        monkeypatch.setattr("pipeline.foundation.kernels.cached", lambda _, cached=cached: cached)
        assert compile_group("shapes") is not cached

    assert done == ["shapes"]


def test_it_is_done_before_the_first_extraction_by_the_engine_alone(tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr("pipeline.radiomics.features.compile_engine", lambda: order.append("compiled"))
    monkeypatch.setattr("pipeline.radiomics.features.own_recipe", lambda *_, **parts: order.append(parts["engine"]))
    monkeypatch.setattr("pipeline.radiomics.features._first_readable", lambda _: ("a", None))
    for engine in ("fast", "pyradiomics"):
        prepare(RadiomicsParams(settings={"imageType": {"Original": {}}}, engine=engine), cases=[])

    assert order == ["compiled", "fast", "pyradiomics"]
