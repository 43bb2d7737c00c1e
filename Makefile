# Needs git, make and Python 3.11 to 3.13. Everything else goes into $(VENV).
VENV ?= .venv
BIN := $(VENV)/bin
export VENV PYTHON TORCH_INDEX

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1 /p' Makefile | while read -r name text; do printf '  make %-7s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.train ## train a small language model on a real task, minutes on two cores
	$(BIN)/train-agent --config examples/demo.yaml --out runs/demo-$$(date +%Y%m%d-%H%M%S) $(ARGS)

test: $(VENV)/.dev ## the test suite; ARGS="-m slow" for the long ones
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev ## lint, format, types, import direction
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache --no-logo

bench: $(VENV)/.dev ## every table in benchmarks/ that needs no data; BENCH=name for one
	@for file in $(if $(BENCH),benchmarks/$(BENCH).py,$(filter-out benchmarks/study_%,$(wildcard benchmarks/*.py))); do echo "== $$file"; $(BIN)/python $$file $(ARGS) || exit 1; done

docs: $(VENV)/.docs ## the documentation site, into site/
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet && echo "open site/index.html"

clean: ## remove what the targets made, runs/ excepted
	rm -rf $(VENV) site dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One stamp an extra: the second run of a target starts at once, and a changed requirement installs again.
$(VENV)/.dev: $(VENV)/.train
$(VENV)/.%: pyproject.toml verifiers/pyproject.toml constraints.txt tools/venv.sh
	@tools/venv.sh $*
	@touch $@
