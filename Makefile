# Two commands: `make book` and `make test`. Both do their own set-up on a fresh machine with Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
EXTRAS := '.[book,test,flows,cluster]'

# What a user's shell may hold and the build must not see: another environment, another backend, other kernels.
unexport MPLBACKEND PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONSAFEPATH PYTHONDONTWRITEBYTECODE VIRTUAL_ENV JUPYTER_PATH JUPYTER_CONFIG_DIR
export JUPYTER_PREFER_ENV_PATH := 1
export IPYTHONDIR := $(CURDIR)/_build/.ipython
export PYDEVD_DISABLE_FILE_VALIDATION := 1
export PYTHONHASHSEED := 0
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help book page moved course slides pdf zip style check test test-all beside bench notebooks clean

help: ## say what can be made
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):.*## /make \1	/' | expand -t 18

book: $(INSTALLED) ## execute the chapters and write _build/html/index.html
	@$(BIN)/python -m book._ext.make book

page: $(INSTALLED) ## execute and build one chapter: make page CHAPTER=05
	@$(BIN)/python -m book._ext.make page $(CHAPTER)

moved: $(INSTALLED) ## name the pages that the edits since the last build will execute
	@$(BIN)/python -m book._ext.make moved

course: book ## write the reader's, student's and instructor's editions; COURSE=course.toml chooses
	@$(BIN)/python -m book._ext.make course $(COURSE)

pdf: book ## print the whole book into one file: _build/geometry-of-latent-spaces.pdf
	@$(BIN)/python -m book._ext.pdf

zip: book ## pack the pages to read offline: _build/geometry-of-latent-spaces.zip
	@$(BIN)/python -m book._ext.offline

slides: book ## cut each chapter into a deck of slides: _build/slides/index.html
	@$(BIN)/python -m book._ext.slides

# Tests are told apart by what they need: MARKERS in tests/machine.py. A browser waits now and
# then, so there is one process more than cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder -n
NBVAL := -p nbval --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg notebooks
BUILT := book or browser
LATER := nightly

style: $(INSTALLED)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

check: style ## while you work: style, and every test that needs neither book, browser nor data
	@$(PYTEST) 2 -q -m "not ($(BUILT) or data or gpu or slow or nightly)" tests

test: style ## check the style, build the book, run every test; tests that need no book run beside
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line course beside
	@$(PYTEST) 3 -m "($(BUILT)) and not ($(LATER))" tests

beside: $(INSTALLED)
	@$(PYTEST) 2 -m "not ($(BUILT) or $(LATER))" $(NBVAL) tests

test-all: export HYPOTHESIS_PROFILE := full
test-all: ## all of it, as every night: also what `make test` leaves for later (CONTRIBUTING.md)
	@$(MAKE) --no-print-directory test LATER=gone

BENCH_PYTHON ?= $(BIN)/python
bench: $(INSTALLED) ## run the races in benchmarks/
	@for race in benchmarks/*.py; do $(BENCH_PYTHON) "$$race" || exit 1; done

notebooks: export OMP_NUM_THREADS := 1
notebooks: $(INSTALLED) ## run the experiments with their default parameters: notebooks/*.md -> *.ipynb
	@$(BIN)/python -m book._ext.notebooks

clean: ## remove what make made, except .venv
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "geokit needs Python 3.11 or newer, but $(PYTHON) is `$(PYTHON) --version 2>&1`." \
	    "Name another: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@if command -v uv >/dev/null; then \
	  rm -rf .venv && uv venv --quiet --seed --python $(PYTHON) .venv && \
	  UV_EXTRA_INDEX_URL="$$PIP_EXTRA_INDEX_URL" UV_FIND_LINKS="$$PIP_FIND_LINKS" uv pip install --quiet \
	    --index-strategy unsafe-best-match --python $(BIN)/python -c constraints.txt -e $(EXTRAS); \
	else \
	  $(PYTHON) -m venv .venv && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e $(EXTRAS); \
	fi
	@touch $@
