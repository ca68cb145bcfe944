# What people and CI run. Needs Python 3.11 or newer and make; the rest comes from the lock.
# Set up anew: rm -rf .venv

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# processes of tests: two compute, and a third first waits, for browsers and commands
WORKERS ?= 3

.PHONY: demo test check app lock notebook
.DELETE_ON_ERROR:

# The whole job with the bundled model and samples: minutes on two CPU cores.
demo: $(VENV)/.installed
	$(BIN)/thinkbench --store store run --preset tiny

# The same as a notebook in fewer steps, executed in place: its outputs are what the repository shows.
FEWER := "set": ["sft.steps=40", "grpo.steps=12", "eval.limit=100"], "line_seconds": 20
notebook: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet -r requirements-notebook.txt
	rm -rf /tmp/thinkbench-notebook
	$(BIN)/python notebooks/execute.py notebooks/reasoning_revolution.ipynb \
		'{$(FEWER), "work": "/tmp/thinkbench-notebook/work", "output": "/tmp/thinkbench-notebook/output"}'

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -o console_output_style=classic

check: $(VENV)/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

app: $(VENV)/.installed
	$(BIN)/thinkbench --store store app

# Every package with the hashes of all its files, for every platform.
lock: pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-header --extra train --extra dev \
		--quiet --output-file requirements.txt pyproject.toml

$(VENV)/.installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else f"found Python {sys.version}, expected 3.11 or newer: set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	touch $@
