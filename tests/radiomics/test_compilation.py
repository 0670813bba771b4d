"""The kernels of the engine are all compiled before the first extraction, and once."""

import logging

from used_kernels import used_kernels

from pipeline.foundation.kernels import kernels_of
from pipeline.radiomics import compilation
from pipeline.radiomics.compilation import ENGINE, compile_engine, use_every_kernel
from pipeline.radiomics.features import RadiomicsParams, prepare


def test_every_kernel_of_the_engine_is_used():
    use_every_kernel()
    kernels = kernels_of(ENGINE)

    assert len(kernels) > 20
    assert used_kernels(kernels) == [kernel.__qualname__ for kernel in kernels]


def test_a_cold_cache_is_filled_with_one_line_and_a_full_one_in_silence(monkeypatch, caplog):
    monkeypatch.setattr(compilation, "use_every_kernel", lambda: None)
    for cached, lines in ((False, 1), (True, 0)):
        caplog.clear()
        monkeypatch.setattr("pipeline.foundation.kernels._cached", lambda _, cached=cached: cached)
        monkeypatch.setattr("pipeline.foundation.kernels._files", lambda _: [])
        with caplog.at_level(logging.INFO):
            assert compile_engine() is not cached
        assert len(caplog.records) == lines
    assert "half a minute" in compilation.MESSAGE


def test_it_is_done_before_the_first_extraction_by_the_engine_alone(tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr("pipeline.radiomics.features.compile_engine", lambda: order.append("compiled"))
    monkeypatch.setattr("pipeline.radiomics.features.own_recipe", lambda *_, **parts: order.append(parts["engine"]))
    monkeypatch.setattr("pipeline.radiomics.features._first_readable", lambda _: ("a", None))
    for engine in ("fast", "pyradiomics"):
        prepare(RadiomicsParams(settings={"imageType": {"Original": {}}}, engine=engine), cases=[])

    assert order == ["compiled", "fast", "pyradiomics"]
