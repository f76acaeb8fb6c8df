# Needs GNU make 3.81 or newer, and Python 3.11 or newer, which PYTHON= may name.

PORT ?= 9000
HOST ?= 0.0.0.0
AGENTS ?= 1000
TTL ?= 60
DURATION ?= 120
EXPIRED ?= 100000
SEED ?= 1
ROUNDS ?= 5
# Three test processes for two cores: tests also wait.
JOBS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) * 3 / 2)))

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --quiet --disable-pip-version-check --no-input
COVERAGE := $(PY) -m coverage
PYTEST = $(if $(COVER),$(COVERAGE) run,$(PY)) -m pytest --dist loadgroup \
	--no-loadscope-reorder --max-worker-restart=0
PYTHONS := $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11
URL := http://localhost:$(PORT)
# Tests start many programs, which are slow without compiled files.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install install-dev run dev demo fleet fleet-looks storm bench calls front-page exports \
	event-streams watchers discovery connections purge-bench agent-loop image trials screenshots clients wheel \
	webhooks format check \
	lint types imports dockerfiles django audit test test-sqlite test-postgresql coverage \
	coverage-report faults fuzz clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | \
		while IFS='|' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

install: $(VENV)/.installed ## create .venv and install the registry's packages

install-dev: $(VENV)/.installed-dev ## the same with packages for tests, linters and the demo

run: install ## run the registry on this machine; PORT=9000 and HOST=0.0.0.0 move it
	@REGISTRY_URL=$${REGISTRY_URL:-$(URL)} REGISTRY_AUTH=$${REGISTRY_AUTH:-open} \
		exec $(PY) manage.py start_registry --prepare \
		--host $(HOST) --port $(PORT) --stop-with-parent

dev: install-dev ## the same with DEBUG on, restarted when a file changes
	@REGISTRY_URL=$${REGISTRY_URL:-$(URL)} REGISTRY_AUTH=$${REGISTRY_AUTH:-open} DEBUG=$${DEBUG:-on} \
		exec $(VENV)/bin/watchfiles --sigint-timeout 30 \
		"$(PY) manage.py start_registry --prepare --host $(HOST) --port $(PORT) --stop-with-parent" \
		agents deploygen registry_project templates

demo: install-dev ## show an agent's life, with the registry at PORT or a new one
	@exec $(PY) -m examples.lifecycle --registry-url $(URL)

webhooks: install ## a receiver of webhooks that fails for a minute gets everything once it is back: FAILS=60
	@exec $(PY) -m examples.webhooks $(if $(FAILS),--fails $(FAILS))

fleet: install ## check a registry with a simulated fleet: AGENTS=1000 TTL=60 DURATION=120 PORT=9000, or OWN=1, RELAYS=20
	@exec $(PY) -m benchmarks.fleet --registry-url $${REGISTRY_URL:-$(URL)} \
		--agents $(AGENTS) --ttl $(TTL) --duration $(DURATION) $(if $(OWN),--own) \
		$(if $(WORKERS),--workers $(WORKERS)) $(if $(PICTURE),--picture $(PICTURE)) \
		$(if $(RELAYS),--relays $(RELAYS))

storm: install ## a fleet that has lost its records comes back at once: AGENTS=100000 DATABASE=sqlite
	@exec $(PY) -m benchmarks.storm $(if $(filter-out file default,$(origin AGENTS)),--agents $(AGENTS)) \
		$(if $(WORKERS),--workers $(WORKERS)) $(if $(TOKENS),--tokens $(TOKENS)) \
		$(if $(ADDRESSES),--addresses $(ADDRESSES)) $(if $(LOST),--lost) \
		$(if $(DATABASE),--database $(DATABASE))

bench: DURATION := 3
bench: install ## compare the cost of a heartbeat with other systems: DURATION=3 ROUNDS=5 ONLY="fast etcd" LOOP=open WRITE=1
	@exec $(PY) -m benchmarks.heartbeats --duration $(DURATION) --rounds $(ROUNDS) \
		$(if $(filter-out file default,$(origin AGENTS)),--agents $(AGENTS)) \
		$(if $(LOOP),--loop $(LOOP)) $(if $(RATES),--rates $(RATES)) $(if $(KEPT),--kept $(KEPT)) \
		$(if $(OPEN_DURATION),--open-duration $(OPEN_DURATION)) \
		$(if $(WRITE),--write) $(if $(REQUIRE_ALL),--require-all) $(if $(ONLY),--only $(ONLY))

purge-bench: install-dev ## how long a purge takes, and how much it slows down heartbeats: AGENTS=1000000 EXPIRED=100000
	@exec $(PY) -m benchmarks.purge $(if $(filter-out file default,$(origin AGENTS)),--agents $(AGENTS)) \
		--expired $(EXPIRED)

calls: install ## CPU time of the API's calls: DATABASE_URL=postgres://... for PostgreSQL
	@exec $(PY) -m benchmarks.calls

front-page: install ## CPU time of an open front page: AGENTS=100000
	@exec $(PY) -m benchmarks.front_page $(if $(filter-out file default,$(origin AGENTS)),--agents $(AGENTS))

fleet-looks: install ## CPU time of sweeps, /health, /metrics and the overview in a large fleet: AGENTS=1000000
	@exec $(PY) -m benchmarks.fleet_looks $(if $(filter-out file default,$(origin AGENTS)),--agents $(AGENTS))

exports: install-dev ## time and memory of exports through the web server: AGENTS=100000
	@exec $(PY) -m benchmarks.exports $(if $(filter-out file default,$(origin AGENTS)),--agents $(AGENTS))

event-streams: install-dev ## memory and CPU time of event streams: STREAMS=1000
	@exec $(PY) -m benchmarks.event_streams $(if $(STREAMS),--streams $(STREAMS))

watchers: install-dev ## memory and CPU time of clients of /agents/watch: WATCHERS=1000
	@exec $(PY) -m benchmarks.watchers $(if $(WATCHERS),--watchers $(WATCHERS))

discovery: install-dev ## check what watchers of a changing fleet are sent: WATCHERS=50 DURATION=60
	@exec $(PY) -m benchmarks.discovery $(if $(WATCHERS),--watchers $(WATCHERS)) \
		$(if $(filter-out file default,$(origin DURATION)),--duration $(DURATION))

connections: install-dev ## memory and CPU time of idle kept connections: CONNECTIONS=10000 WORKERS=2
	@exec $(PY) -m benchmarks.connections $(if $(CONNECTIONS),--connections $(CONNECTIONS)) \
		$(if $(WORKERS),--workers $(WORKERS))

agent-loop: install-dev ## how soon run_agent serves an agent, and a change of its code
	@exec $(PY) -m benchmarks.agent_loop

image: install-dev ## size of an example's image, how fast it registers and stops, and what a change costs; needs Docker
	@exec $(PY) -m benchmarks.image

trials: install-dev ## build and call agents with packages that people use: ONLY="pandas lxml" WRITE=1; needs Docker
	@exec $(PY) -m benchmarks.trials $(if $(WRITE),--write) $(ONLY)

clients: install-dev ## call agents with frameworks that speak A2A: ONLY="js strands" WRITE=1; needs the network and, for js, Node
	@exec $(PY) -m benchmarks.clients $(if $(WRITE),--write) $(ONLY)

wheel: install-dev ## build the wheel of agent-registry-client, into dist/
	$(PY) -m uv build --wheel --no-build-isolation --offline --quiet --out-dir dist deploygen/client
	@ls dist/*.whl

screenshots: install-dev ## pictures of the dashboard with a made-up fleet, in docs/images; needs Chromium
	@exec $(PY) -m tests.browser.screenshots

format: install-dev ## format the Python code, and fix what the linter can fix
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

check: lint types imports dockerfiles django ## linters, types, Django's own checks

lint: install-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: install-dev
	$(PY) -m mypy .

imports: install-dev
	$(VENV)/bin/lint-imports

dockerfiles: install-dev
	$(VENV)/bin/hadolint Dockerfile tests/docker/stand_ins/Dockerfile

django: install-dev
	$(PY) manage.py check --fail-level WARNING
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py spectacular --validate --fail-on-warn --file /dev/null

audit: install-dev ## known vulnerabilities of the pinned packages; AUDIT_REQUIRED=1 if it must be asked
	@exec $(PY) -m requirements.audit

ifneq ($(T)$(K),)
test: install-dev
	@exec $(PY) -m pytest $(T) $(if $(K),-k '$(K)')
else
test: check test-sqlite test-postgresql ## all tests; without linters only some: T=path K=word
endif

coverage: ## all tests, and how much of the code they run
	$(COVERAGE) erase
	@$(MAKE) --no-print-directory test-sqlite COVER=1
	@$(MAKE) --no-print-directory test-postgresql COVER=1
	@$(MAKE) --no-print-directory coverage-report

test-sqlite: install-dev
ifeq ($(REQUIRE_SERVICES)/$(TEST_POSTGRES_URL),1/)
	$(error REQUIRE_SERVICES=1, and TEST_POSTGRES_URL is not set)
endif
	$(PYTEST) -n $(JOBS) -m "not alone"
	$(PYTEST) -n 1 -m alone

test-postgresql: install-dev
ifneq ($(TEST_POSTGRES_URL),)
	DATABASE_URL=$$TEST_POSTGRES_URL $(PYTEST) -n $(JOBS) tests/agents tests/registry_project \
		-m "database and not integration"
else
	@echo "PostgreSQL was left out. To run the tests of the database there too:" \
		"make test TEST_POSTGRES_URL=postgres://user@host/database"
endif

coverage-report: install-dev
	$(COVERAGE) combine --quiet
	$(COVERAGE) report --fail-under=95 --include='agents/*,deploygen/*'
ifneq ($(TEST_POSTGRES_URL),)
	$(COVERAGE) report --fail-under=100 --include="agents/leases/**,agents/querysets.py"
endif

faults: install-dev ## inject faults into a running registry: FAULTS="disk-full cut" for some of them
	@exec $(PY) -m tests.faults $(FAULTS)

fuzz: install-dev ## bad input to a registry of its own: DURATION=120 SEED=1, or FUZZ_URL=http://...
	@exec $(PY) -m tests.fuzz --seconds $(DURATION) --seed $(SEED) $(if $(FUZZ_URL),--url $(FUZZ_URL))

clean: ## remove the environment and the caches; the data under var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
		.grimp_cache htmlcov .coverage .coverage.*

# Stamps: only a changed list of requirements is installed again.
$(VENV)/.installed: requirements/base.txt $(VENV)/.created
	@echo "Installing what the registry runs on into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/base.txt
	@touch $@

$(VENV)/.installed-dev: requirements/dev.txt $(VENV)/.created
	@echo "Installing what the tests, the linters and the demo need into $(VENV)"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.created:
	@for python in $(PYTHONS); do \
		$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		$$python -c 'import ensurepip, venv' 2>/dev/null || { without=$$python; continue; }; \
		[ -x $(PY) ] && $(PY) -m pip --version >/dev/null 2>&1 || \
			$$python -m venv --clear $(VENV) || exit 1; \
		touch $@; exit 0; \
	done; \
	if [ -n "$$without" ]; then \
		echo "$$without lacks its venv module (Debian, Ubuntu: apt install python3-venv)." >&2; \
	else \
		echo "Python 3.11 or newer is needed; name it with: make $(MAKECMDGOALS) PYTHON=..." >&2; \
	fi; exit 1
