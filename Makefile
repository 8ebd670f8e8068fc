# Every target does its own set-up: Python packages go into .venv, servers into the lab's cache.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
# One more than the two processors of CI: a test waits for servers most of its time. Each has a lab, of 2.6 GB.
WORKERS ?= 3
READY  := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-long test-again test-vitess check check-bolt-js mutate-guards soak faults faults-vitess faults-random bench bench-diagnostics bench-lint browser postgresql docs screenshots

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) --version >/dev/null 2>&1 || { echo "Firstmate needs $(PYTHON); install Python 3.11 or later, or call make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@

demo: $(READY) ## break something on real servers and mend it from the page (ONCE=1: no person; VITESS=1: a shard of Vitess)
	$(BIN)/firstmate demo $(if $(VITESS),--vitess) $(if $(ONCE),--once)

check: $(READY) ## formatting, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(READY) browser postgresql ## the suite, on real servers (WORKERS=2 where memory is short); with test-long and test-vitess it is whole
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not vitess and not long"

test-fast: $(READY) ## the pure parts alone, in seconds: no server, no browser, no other process
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not server and not slow and not long and not lab and not vitess"

test-long: $(READY) browser postgresql ## what kills, cuts off and breaks again and again
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder -m "long and not vitess"

test-again: $(READY) ## names what failed last, and runs it once more by itself
	@echo "A second run is needed by:"
	@$(BIN)/python -c 'import json; print(*json.load(open(".pytest_cache/v/cache/lastfailed")), sep="\n")'
	$(BIN)/pytest --last-failed --last-failed-no-failures none

test-vitess: $(READY) ## what needs a Vitess cluster, whose programs are built on first use (needs Go)
	$(BIN)/pytest -m vitess

docs: $(READY) ## generate the reference pages and tables of docs/ again
	$(BIN)/firstmate actions --markdown > docs/actions.md
	$(BIN)/python -m bot.runbook.reference.language_tables docs/runbooks.md
	$(BIN)/python -m bot.reference docs

screenshots: $(READY) browser ## take the pictures of docs/images again, with Chromium
	$(BIN)/python -m tests.screenshots

browser:
	@command -v chromium >/dev/null 2>&1 || if [ "$$(id -u)" = 0 ]; then \
	  echo "Installing Chromium for the tests of the page"; \
	  apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium >/dev/null || \
	  echo "Chromium could not be installed, so the tests of the page are skipped"; \
	else echo "Chromium is not installed, so the tests of the page are skipped (as root: apt-get install chromium)"; fi

# Debian makes a cluster with the package, which nobody here wants.
postgresql:
	@command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || if [ "$$(id -u)" = 0 ]; then \
	  echo "Installing PostgreSQL for the tests of the store"; \
	  mkdir -p /etc/postgresql-common; [ -e /etc/postgresql-common/createcluster.conf ] || \
	  echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf; \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	    -o Dpkg::Options::=--force-confold postgresql >/dev/null || \
	  echo "PostgreSQL could not be installed, so the tests of the store in it are skipped"; \
	else echo "PostgreSQL is not installed, so the tests of the store in it are skipped (as root: apt-get install postgresql)"; fi

check-bolt-js: $(READY) ## the local workspace against Slack's JavaScript client (needs Node.js and npm)
	cd tests/clients/bolt-js && npm ci --silent && npm run --silent check

mutate-guards: $(READY) ## take out each guard and protection in turn, and see which test catches it
	$(BIN)/python -m tests.mutate

soak: $(READY) postgresql ## kill the bot at 500 random moments in each of four modes (takes hours; KILLS=20 for less)
	$(BIN)/python -m tests.soak --kills $(or $(KILLS),500)

faults: $(READY) ## break every fault on real servers, and see whether cause and remedy are right (ONLY=row_locks,...)
	$(BIN)/python -m bot.lab.fault_bench $(if $(ONLY),--only $(ONLY))

faults-vitess: $(READY) ## the same on a Vitess cluster, whose programs are built on first use (needs Go; ONLY=...)
	$(BIN)/python -m bot.lab.fault_bench --vitess $(if $(ONLY),--only $(ONLY))

faults-random: $(READY) ## compose faults at random, press what is offered, and ask the victims (SEED=n COUNT=k INDEX=i ONLY=row_idle MINIMISE=1)
	$(BIN)/python -m bot.lab.random_faults $(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT)) $(if $(INDEX),--index $(INDEX)) $(if $(ONLY),--only $(ONLY)) $(if $(MINIMISE),--minimise)

bench: $(READY) ## alert to card and to cause, 20 times; what 10,000 waiting runs cost; a sweep over 2,000 hosts
	$(BIN)/python -m bot.lab.benchmarks.alert_latency
	$(BIN)/python -m bot.lab.benchmarks.waiting_runs
	$(BIN)/python -m bot.lab.benchmarks.sweep

bench-diagnostics: $(READY) ## what every diagnostic costs on servers with many tables, sessions, waiters, logs and digests (TABLES=10000 for more)
	$(BIN)/python -m bot.lab.benchmarks.diagnostics $(if $(TABLES),--tables $(TABLES)) $(if $(SESSIONS),--sessions $(SESSIONS)) $(if $(WAITERS),--waiters $(WAITERS)) $(if $(LOGS),--logs $(LOGS)) $(if $(DIGESTS),--digests $(DIGESTS))

bench-lint: $(READY) ## how long the linter takes over 500 generated runbooks
	$(BIN)/python -m bot.lab.benchmarks.lint
