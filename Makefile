# make demo: train on the built-in faces for three minutes.
# make test: lint and run all tests.
# Both make .venv and install what they need first, and only when requirements change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test clean

demo: $(VENV)/requirements.installed
	$(BIN)/python train_generator.py --resize 32 32 --minutes 3 \
		--save_path runs/demo-$$(date +%Y%m%d-%H%M%S)

test: $(VENV)/requirements-dev.installed
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -n 2 --dist worksteal

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.10 to 3.13 is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
		"Name another: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "python3 -m venv failed: on Debian and Ubuntu, apt install python3-venv"; exit 1; }

$(VENV)/requirements.installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/requirements-dev.installed: requirements.txt requirements-dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	touch $@ $(VENV)/requirements.installed
