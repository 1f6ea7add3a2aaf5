# Everything a person or a machine does with a clone. `make` alone lists it.
#
# Variables: FOLDER (photos for `make run`), PYTHON (3.11 or newer), VENV, PIP, ARGS (for pytest),
# SECONDS (for each target of `make fuzz`), DATABASE (for `make audit`).

VENV ?= .venv
FOLDER ?= resources/samples
ARGS ?=
SECONDS ?= 600
# Tests run on all processors; PARALLEL= runs them one after the other, in order.
PARALLEL ?= -n auto --dist worksteal
PIP ?= $(VENV)/bin/python -m pip --disable-pip-version-check
RUN := $(VENV)/bin/python
export FOLDER

.DEFAULT_GOAL := help
.PHONY: help run test check format nightly fuzz monkey bench audit screenshots release clean install install-dev

help: ## List what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.installed ## Open the sample photos, or FOLDER=... (tags them here if there is no display)
	@if [ "$$(uname -s)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
		echo "There is no display (DISPLAY and WAYLAND_DISPLAY are not set), so no window can open."; \
		echo "These are the tags of $$FOLDER instead:"; \
		exec $(RUN) main.py tag "$$FOLDER" --format table; \
	fi; \
	if [ -n "$$DISPLAY" ]; then platform=xcb; else platform=wayland; fi; \
	.ci/qt-libraries $$platform && exec $(RUN) main.py "$$FOLDER"

test: $(VENV)/.installed-dev ## Run the tests (ARGS=... goes to pytest)
	@.ci/qt-libraries offscreen
	@.ci/other-programs || true
	QT_QPA_PLATFORM=offscreen $(RUN) -m pytest $(PARALLEL) $(ARGS)

check: $(VENV)/.installed-dev ## Lint, check the format, the types and the layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.installed-dev ## Format the code and repair what lint can repair
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

nightly: $(VENV)/.installed-dev ## Run the tests that take minutes
	@.ci/qt-libraries offscreen
	@.ci/other-programs || true
	@$(RUN) -c "import ray" 2>/dev/null || $(PIP) install -c constraints.txt -e ".[ray]"
	QT_QPA_PLATFORM=offscreen $(RUN) -m pytest $(PARALLEL) -m slow $(ARGS)

fuzz: $(VENV)/.installed-dev ## Search for files that break our readers (Linux; SECONDS for each)
	@$(RUN) -c "import atheris" 2>/dev/null || $(PIP) install -c constraints.txt -e ".[fuzz]"
	$(RUN) -m tests.fuzz --seconds $(SECONDS) $(ARGS)

monkey: $(VENV)/.installed-dev ## Let a monkey loose in the window for an hour (Linux; needs xvfb, xdotool, openbox)
	$(RUN) benchmarks/monkey.py --minutes 60 $(ARGS)

bench: $(VENV)/.installed-dev ## Measure what we claim about speed
	@for script in benchmarks/[a-z]*.py; do echo "== $$script"; $(RUN) "$$script" || exit 1; done

audit: $(VENV)/.installed-dev ## Name known holes in what is installed (DATABASE=all.zip: without the network)
	$(RUN) .ci/audit.py $(if $(DATABASE),--database "$(DATABASE)")

screenshots: $(VENV)/.installed-dev ## Make the pictures of the README again
	@.ci/qt-libraries offscreen
	$(RUN) docs/make_screenshots.py

release: $(VENV)/.installed-dev ## Build the source archive, the wheel and their bill of materials into dist/
	rm -rf dist
	$(RUN) -m build --no-isolation
	$(RUN) .ci/make_sbom.py dist/csra-gui.cdx.json
	CSRA_GUI_DIST=dist $(RUN) -m pytest -m "" tests/packaging $(ARGS)

clean: ## Remove caches and build files (.venv stays)
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -path "./$(VENV)" -prune -o -name __pycache__ -type d -exec rm -rf {} +

install: $(VENV)/.installed ## Install what the program needs into .venv
install-dev: $(VENV)/.installed-dev ## The same, and what developing it needs

# The stamps make an install happen only when the requirements changed.
$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.created
	$(PIP) install -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.created
	$(PIP) install -c constraints.txt -e ".[dev]"
	@touch $(VENV)/.installed $@

$(VENV)/.created:
	@python=$$(.ci/find-python) && "$$python" -m venv "$(VENV)"
	@touch $@
