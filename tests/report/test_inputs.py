"""inputs: the hash of a params file."""

from pipeline.report.inputs import params_hash


def test_params_hash_depends_on_values_only():
    assert params_hash({"a": 1, "b": 2.0}) == params_hash({"b": 2.0, "a": 1})
    assert params_hash({"a": 1}) != params_hash({"a": 2})
