# Everything a person or continuous integration runs. Each target sets up what it needs; nothing has to be activated.
#   make demo    convert a real file, look at it, check it
#   make test    every test, Rust and Python
#   make lint    every check of style, types and stubs
#   make docs    the documentation, into site/
#   make wheel   the wheel and the source distribution, each tried in an empty environment
#   make bench   the comparison with other libraries, into README.md and docs/performance.md
#   make matrix  who reads what whom wrote, into docs/reference/matrix.md; ARGS=--full for every combination

SHELL := bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
export CARGO_TARGET_DIR ?= $(CURDIR)/target
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

PIP := $(BIN)/python -m pip install --quiet --no-deps
RUST := $(shell find crates -name '*.rs' -o -name Cargo.toml) Cargo.toml $(wildcard Cargo.lock)

.PHONY: demo test test-rust test-python lint format docs docs-serve wheel bench matrix tables lock clean

demo: $(VENV)/demo.done $(VENV)/engine.done
	$(BIN)/python tools/demo.py

test: test-rust test-python

test-rust:
	cargo test --release --locked --workspace --exclude zarrite-py --quiet

test-python: $(VENV)/dev.done $(VENV)/demo.done $(VENV)/engine.done
	$(BIN)/python -m pytest

lint: $(VENV)/dev.done $(VENV)/engine.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=python $(BIN)/python -m mypy.stubtest zarrite._engine --mypy-config-file pyproject.toml --allowlist tools/stubtest.allow
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets --quiet -- -D warnings

format: $(VENV)/dev.done
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .
	cargo fmt --all

docs: $(VENV)/dev.done
	$(BIN)/mkdocs build --strict --quiet

docs-serve: $(VENV)/dev.done
	$(BIN)/mkdocs serve

wheel: $(VENV)/base.done
	rm -rf dist
	$(BIN)/maturin build --release --locked --out dist
	$(BIN)/maturin sdist --out dist
	$(BIN)/python tools/try_wheel.py dist/*.whl dist/*.tar.gz

bench: $(VENV)/dev.done $(VENV)/engine.done
	$(BIN)/python bench/run.py $(ARGS)

matrix: $(VENV)/dev.done $(VENV)/engine.done
	$(BIN)/python matrix/runner.py $(ARGS)

tables: $(VENV)/dev.done $(VENV)/engine.done
	$(BIN)/python tools/tables.py
	$(BIN)/python tools/pictures.py

lock:
	$(PYTHON) tools/lock.py

clean:
	rm -rf $(VENV) target demo dist site bench/results python/zarrite/*.so

# Stamps: an environment is brought up to date when the file that describes it changes, the engine when Rust does.
$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("zarrite needs Python 3.11 or newer, not " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

$(VENV)/base.done: requirements/base.txt | $(VENV)/bin/python
	$(PIP) --requirement $<
	@touch $@

$(VENV)/demo.done: requirements/demo.txt $(VENV)/base.done
	$(PIP) --requirement $<
	@touch $@

$(VENV)/dev.done: requirements/dev.txt $(VENV)/base.done
	$(PIP) --requirement $<
	@touch $@

$(VENV)/engine.done: $(RUST) pyproject.toml $(VENV)/base.done
	@# maturin would like patchelf to look after shared libraries; there are none, every C library is linked in.
	PIP_QUIET=1 $(BIN)/maturin develop --release --locked 2> >(grep -v patchelf >&2)
	@touch $@
