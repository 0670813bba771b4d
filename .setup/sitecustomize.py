"""Two names that Python 3.12 removed from configparser and that the build of PyRadiomics 3.0.1 still calls.

Python imports this file at its start if its folder is on PYTHONPATH, as in the Makefile's one pip call that builds.
"""

import configparser

if not hasattr(configparser, "SafeConfigParser"):
    configparser.SafeConfigParser = configparser.ConfigParser
    configparser.ConfigParser.readfp = configparser.ConfigParser.read_file
