# Two commands: `make run` and `make test`. Both begin with `make setup`, which does nothing when .venv is up to date.
PYTHON ?= python3
PORT ?= 8501
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
PYTEST ?= .venv/bin/python -m pytest
# Many tests wait for other processes, so three at once keep two cores busy; the short ones, by path the last, even out.
TOGETHER = -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: setup setup-dev run test test-full lint

setup:
	@$(PYTHON) entrypoints/setup.py --torch-index $(TORCH_INDEX)

setup-dev:
	@$(PYTHON) entrypoints/setup.py --dev --torch-index $(TORCH_INDEX)

run: setup
	@exec .venv/bin/footnote serve --port $(PORT)

test: setup-dev
	$(PYTEST) $(TOGETHER) -m "not full"

test-full: setup-dev
	$(PYTEST) $(TOGETHER)

lint: setup-dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
