"""Metrics, tests, calibration and net benefit, one file per table."""
