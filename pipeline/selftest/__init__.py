"""The tests that the pipeline runs of itself, one topic a file; `pipeline.selftest.selftest` gathers them."""
