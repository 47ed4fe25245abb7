# Two commands: `make book` and `make test`. Both do their own set-up on a fresh machine with Python 3.11 or newer.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

# What a user's shell may hold and the build must not see: another environment, another backend, other kernels.
unexport MPLBACKEND PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONSAFEPATH VIRTUAL_ENV JUPYTER_PATH JUPYTER_CONFIG_DIR
export JUPYTER_PREFER_ENV_PATH := 1
export IPYTHONDIR := $(CURDIR)/_build/.ipython
export PYDEVD_DISABLE_FILE_VALIDATION := 1
export PYTHONHASHSEED := 0
export PYTHONUTF8 := 1

.DEFAULT_GOAL := help
.PHONY: help book course slides pdf zip test bench notebooks clean

help: ## say what can be made
	@grep -E '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z]+):.*## /make \1	/' | expand -t 18

book: $(INSTALLED) ## execute the chapters and write _build/html/index.html
	@$(BIN)/python -m book._ext.execute
	@rm -rf _build/html _build/.doctrees
	@$(BIN)/jupyter-book build . -W -n --keep-going --all -q >/dev/null || { \
	  echo "The strict build failed: each WARNING or ERROR above must be mended." >&2; exit 1; }
	@$(BIN)/python -m book._ext.downloads
	@echo "The book is ready: _build/html/index.html"

course: book ## write the reader's, student's and instructor's editions; COURSE=course.toml chooses
	@$(BIN)/python -m book._ext.make_course $(COURSE)

pdf: book ## print the whole book into one file: _build/geometry-of-latent-spaces.pdf
	@$(BIN)/python -m book._ext.pdf

zip: book ## pack the pages to read offline: _build/geometry-of-latent-spaces.zip
	@$(BIN)/python -m book._ext.offline

slides: book ## cut each chapter into a deck of slides: _build/slides/index.html
	@$(BIN)/python -m book._ext.slides

test: export OMP_NUM_THREADS := 1
test: $(INSTALLED) ## check the style, build the book, run every test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(MAKE) --no-print-directory course
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env \
	  --nbval-sanitize-with tests/nbval_sanitize.cfg notebooks tests

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
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[book,test,flows,cluster]'
	@touch $@
