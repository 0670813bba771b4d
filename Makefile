# make repro   set up, run the whole pipeline, say where the report is
# make test    set up, run the whole test suite
# make study ROOT=/data/my_study   look at your own data and show the params that follow; WRITE=1 writes them
#              (POSITIVE=malignant names the label of the event if labels are not 0 and 1)
# make bundle  put the frozen pipeline of the primary set into bundle/<set>.zip (SET=fusion CLASSIFIER=lr name another set
#              or classifier; ROWS=1 allows a classifier that holds rows of training patients)
# make predict MANIFEST=new.csv   predict new patients (BUNDLE=bundle/combined.zip if there are several; OUT=predictions)
# make board   show the course of trainings in a browser (TensorBoard), also while they run
# make lint    ruff and mypy;  make clean removes the environment and the scratch folder
# make empty-store   delete the finished cases that earlier runs have kept; later runs compute them again
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
BUNDLES := $(wildcard bundle/*.zip)
BUNDLE ?= $(if $(filter 1,$(words $(BUNDLES))),$(BUNDLES))
OUT ?= predictions
ACTIVATE := export VIRTUAL_ENV="$(CURDIR)/$(VENV)" PATH="$(CURDIR)/$(VENV)/bin:$$PATH";

.PHONY: repro study bundle predict test lint board setup empty-store clean
.DEFAULT_GOAL := repro

repro: $(READY)
	@$(ACTIVATE) dvc repro
	@echo "The report is $(CURDIR)/$$(sed -n 's/^reports: *\([^ #]*\).*/\1/p' params/cohort.yaml)/report.html"

study: $(READY)
	@test -n "$(ROOT)" || { echo "Missing: ROOT, the folder of your study; for example: make study ROOT=/data/my_study" >&2; exit 1; }
	@$(ACTIVATE) python -m stages.study --root "$(ROOT)" --params params $(if $(filter 1 yes true,$(WRITE)),--write) $(if $(POSITIVE),--positive "$(POSITIVE)")

bundle: $(READY)
	@$(ACTIVATE) python -m stages.bundle --params params --data data --tables "$$(sed -n 's/^reports: *\([^ #]*\).*/\1/p' params/cohort.yaml)/tables" --out bundle $(if $(SET),--set "$(SET)") $(if $(CLASSIFIER),--classifier "$(CLASSIFIER)") $(if $(filter 1 yes true,$(ROWS)),--allow-rows)

predict: $(READY)
	@test -n "$(MANIFEST)" || { echo "Missing: MANIFEST, the table of the new patients; for example: make predict MANIFEST=new.csv" >&2; exit 1; }
	@test -n "$(BUNDLE)" || { echo "Missing: BUNDLE; there is no bundle/*.zip, or more than one: make bundle, or name one (BUNDLE=bundle/combined.zip)" >&2; exit 1; }
	@$(ACTIVATE) python -m stages.predict --bundle "$(BUNDLE)" --manifest "$(MANIFEST)" --out "$(OUT)"

test: $(READY)
	@$(ACTIVATE) python -m pytest -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	@$(ACTIVATE) ruff check . && ruff format --check . && mypy

board: $(READY)
	@$(ACTIVATE) tensorboard --logdir "$${FUSION_SCRATCH:-.scratch}/board"

empty-store: $(READY)
	@$(ACTIVATE) python -m stages.store --empty --store "$${FUSION_STORE:-$${FUSION_SCRATCH:-.scratch}/store}"

setup: $(READY)

$(READY): requirements.txt
	@command -v $(PYTHON) >/dev/null || { echo "Missing: $(PYTHON). Install Python 3.11 or newer, or name it: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; name it: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Missing: the venv module of $(PYTHON) (Debian and Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@test -f "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" || { echo "Missing: the headers of $(PYTHON) (Debian and Ubuntu: apt install python3-dev)." >&2; exit 1; }
	@command -v "$${CC:-cc}" >/dev/null || { echo "Missing: a C compiler (Debian and Ubuntu: apt install gcc)." >&2; exit 1; }
	@echo "Setting up $(VENV) (several minutes the first time)"
	@$(PYTHON) -m venv $(VENV)
# PyRadiomics 3.0.1 imports numpy while it builds, so its build sees this environment, and what Python 3.12 removed.
	@$(VENV)/bin/python -m pip install --quiet --upgrade pip
	@grep -E '^(numpy|setuptools|wheel)==' requirements.txt | $(VENV)/bin/python -m pip install --quiet -r /dev/stdin
	@PYTHONPATH="$(CURDIR)/.setup" $(VENV)/bin/python -m pip install --quiet --no-build-isolation -r requirements.txt
	@echo "Compiling the kernels of extraction and LASSO (once, about a minute)"
	@$(ACTIVATE) python -m stages.compile
	@touch $@

clean:
	rm -rf $(VENV) .scratch
