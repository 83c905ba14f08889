# Every command of the project; `make` alone lists them.

# The folder of a project of one's own task types, whose Makefile calls this one (stack/project.mk).
PROJECT_DIR ?=
# A folder that is `make`'s alone; empty is unset, here as everywhere.
override VENV := $(or $(VENV),$(if $(PROJECT_DIR),$(PROJECT_DIR)/.venv,.venv))
NAME ?=
PACKAGE ?=
DIRECTORY ?=
TYPE ?=
SERVICE ?=
FOLLOW ?=
WATCH ?=
TASK ?=
FAILURES ?=
FILE ?=
WAIT ?=
ARGS ?=
QUICK ?=
SUITES ?= tests/end_to_end tests/integration tests/unit
ONLY ?=
BASELINE ?=
CHROMIUM ?=
FORCE ?=
STACK ?=
TARGET ?= lambda
MACHINE ?=
DRY_RUN ?=

BIN = "$(VENV)/bin"
PROGRAM = $(BIN)/python -u -m stack
SOURCES = services receiver web stack bench tests localstack-init aws examples
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command 'make lock'
# In the versions that it is developed with.
PART_OF_DEV = $(LOCK) --upgrade --constraint requirements/dev.txt
# `make bench` compares with them, each in an environment of its own.
PEERS = celery dramatiq taskiq
STACK_VENV = $(if $(PROJECT_DIR),--project "$(PROJECT_DIR)") "$(VENV)" $(if $(PROJECT_DIR),requirements/project.txt "the project's environment",\
	requirements/stack.txt "what the stack runs on" requirements/dev.txt)
IN_PARALLEL = --max-worker-restart 0 --numprocesses
# What shows without an environment that there is something to stop or to remove: state, or containers of this folder.
FOLDER = $(or $(PROJECT_DIR),$(CURDIR))
OF_A_STACK = $(shell ls "$(FOLDER)/.stack/stack.json" "$(FOLDER)/.stack/mode" 2>/dev/null; \
	docker ps --all --quiet --filter 'label=com.docker.compose.project.working_dir=$(FOLDER)' 2>/dev/null)
# LocalStack does not cap its dependencies, and later ones break it.
LOCALSTACK_RESOLVED_AS_OF = 2026-03-10

.DEFAULT_GOAL = help
.PHONY: up new down ps logs trace tail submit demo dlq deploy undeploy test test-unit test-tools test-browser test-brokers test-containers test-lambda test-prometheus test-clients test-own-task-types chaos mutation bench bench-growth bench-functions profile scaling brokers screenshots check format generate lock base-images clean help venv stack-venv any-venv localstack-venv functions-venvs

##@ The stack on this machine (API_PORT, RECEIVER_PORT, CONSOLE_PORT, LOCALSTACK_PORT and STACK_DIR let several run side by side)

up: stack-venv ## Start it; in containers where a Docker engine answers, else natively (MODE=native|containers forces one, MODE=lambda runs it as functions; BROKER=moto|ministack|fauxqs: natively, on that in LocalStack's place; OBSERVABILITY=1: with Prometheus, Grafana and Jaeger)
	@$(PROGRAM) up

down: any-venv ## Stop it; what is still in the queues comes back with the next start (FORCE=1: even where it cannot be saved)
	@$(PROGRAM) down $(if $(FORCE),--force)

ps: any-venv ## Show the services, what waits in the queues and what the workers do (WATCH=1: go on, refreshed in place)
	@$(PROGRAM) ps $(if $(WATCH),--watch) $(ARGS)

logs: any-venv ## Show the end of the logs (SERVICE=api: of one service; FOLLOW=1: go on until Ctrl-C)
	@$(PROGRAM) logs $(if $(SERVICE),--service $(SERVICE)) $(if $(FOLLOW),--follow) $(ARGS)

trace: any-venv ## Show one task's story from all logs, and how it stands (TASK=<id>: the first characters will do)
	@$(PROGRAM) trace "$(TASK)" $(ARGS)

tail: any-venv ## Follow what happens to tasks until Ctrl-C (TASK=<id>: to one; FAILURES=1: what fails alone)
	@$(PROGRAM) tail $(if $(TASK),--task $(TASK)) $(if $(FAILURES),--failures) $(ARGS)

submit: any-venv ## Post a task (FILE=<path>: JSON, a request or its items alone; TYPE=<task type> alone: its example; WAIT=1: wait for its callback and show it)
	@$(PROGRAM) submit "$(FILE)" $(if $(TYPE),--task-type "$(TYPE)") $(if $(WAIT),--wait) $(ARGS)

demo: stack-venv ## Submit a task of each kind, from done to failed for good, and show what becomes of it; what is not up is started first
	@$(PROGRAM) demo $(ARGS)

dlq: any-venv ## List what has failed for good; ARGS="show ID", ARGS="redrive undelivered --all", ARGS=--help: more
	@$(PROGRAM) dlq $(ARGS)

##@ On AWS (credentials and the region from the shell, as for AWS's own CLI; settings from the shell and .env)

deploy: stack-venv ## Deploy to AWS (STACK=<name>; TARGET=lambda: as functions, TARGET=containers: on ECS, TARGET=receiver: a receiver to try them with; DRY_RUN=1: show what would change, and change nothing; MACHINE=arm64; PARAMETERS='AlarmTopicArn=… …')
	@$(PROGRAM) deploy --target "$(TARGET)" --stack "$(STACK)" $(if $(MACHINE),--machine "$(MACHINE)") $(PARAMETERS:%=--parameter "%") $(if $(DRY_RUN),--dry-run) $(ARGS)

undeploy: any-venv ## Remove from AWS what make deploy has brought there (STACK=<name>; FORCE=1: even with messages in its queues)
	@$(PROGRAM) undeploy --stack "$(STACK)" $(if $(FORCE),--force) $(ARGS)

##@ Your own task types (docs/own-task-types.md)

new: stack-venv ## Write a project of your own task types beside this clone (NAME=invoice-pdf: its first task type, and its folder; PACKAGE, DIRECTORY: others)
	@$(PROGRAM) new "$(NAME)" $(if $(PACKAGE),--package "$(PACKAGE)") $(if $(DIRECTORY),--directory "$(DIRECTORY)") $(ARGS)

##@ Checks

# In more processes than there are cores: most of its tests wait.
test: venv localstack-venv ## Run the unit, integration and end-to-end tests natively, on a real LocalStack (SUITES=tests/end_to_end: one of them)
	@$(BIN)/python -m pytest $(IN_PARALLEL) 6 $(SUITES)

test-unit: venv ## Run the unit tests alone, which need no LocalStack (about two minutes)
	@$(BIN)/python -m pytest $(IN_PARALLEL) 3 tests/unit

test-tools: venv localstack-venv ## Test what measures and breaks the stack: bench/ and tests/chaos/
	@$(BIN)/python -m pytest $(IN_PARALLEL) 3 tests/tools

test-containers: venv functions-venvs ## Run the end-to-end tests on a stack in containers, and what is special there
	@MODE=containers $(BIN)/python -m pytest --timeout 900 $(IN_PARALLEL) 3 tests/end_to_end tests/containers

test-lambda: venv functions-venvs ## Run the end-to-end tests on a stack of functions, and check what goes to AWS, on this machine
	@MODE=lambda $(BIN)/python -m pytest $(IN_PARALLEL) 3 tests/end_to_end tests/aws

test-browser: venv ## Run the browser tests of the pages in a real Chromium (CHROMIUM names one; else Debian's)
	@$(if $(CHROMIUM),,tests/debian_program.sh chromium)
	@$(BIN)/python -m pytest $(IN_PARALLEL) 2 tests/browser

test-brokers: venv localstack-venv ## Run the end-to-end tests natively on LocalStack, moto, MiniStack and fauxqs, and try how these behave (ONLY="moto fauxqs": the end-to-end tests on those alone; fetches all four)
	@$(BIN)/python -m pytest tests/brokers
	@$(BIN)/python -m tests.brokers.end_to_end $(ONLY)

test-own-task-types: venv ## Test projects of one's own task types, by their own commands, natively (MODE=containers: in containers; fetches what they ask for)
	@MODE="$(or $(MODE),native)" $(BIN)/python -m pytest --timeout 900 $(IN_PARALLEL) 2 tests/own_task_types

test-prometheus: venv localstack-venv ## Let a real Prometheus scrape the real services, and try its rules and the dashboard (fetches Debian's)
	@tests/prometheus/fetch-prometheus.sh
	@$(BIN)/python -m pytest tests/prometheus

test-clients: venv localstack-venv ## Generate clients from the running API, for Python and TypeScript, and let them and the receivers of docs/callbacks.md hear callbacks (fetches them from PyPI and npm)
	@PYTHON=$(BIN)/python stack/setup.sh --lazy "$(VENV)-clients" requirements/clients.txt "the generator of Python clients"
	@tests/debian_program.sh node nodejs
	@tests/debian_program.sh npm
	@requirements/fetch-node-packages.sh tests/clients .tools/clients "the generators of TypeScript clients (120 MB)"
	@$(BIN)/python -m pytest tests/clients

chaos: venv $(if $(filter lambda,$(MODE)),functions-venvs,localstack-venv) ## Run a stack under load and faults for about 5 minutes, and account for every task (CHAOS_TASKS, CHAOS_SECONDS, CHAOS_SEED; MODE=lambda: a stack of functions, about 5 tasks a second)
	@$(BIN)/python -m tests.chaos

check: venv ## Check format, lint, types, which room imports which, generated files, known vulnerabilities and, with shellcheck and node, scripts and CI
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy services receiver web stack bench tests aws
	@$(BIN)/mypy localstack-init
	@$(BIN)/mypy examples/own_task_types/acme
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(PROGRAM) generate --check
	@$(BIN)/python -m bench.scaling --check
	@.ci/lint
	@$(BIN)/python .ci/audit

mutation: venv ## Change the retry and callback decisions in every way and see whether a test notices (about 7 minutes)
	@$(BIN)/mutmut run
	@$(BIN)/mutmut results

format: venv ## Format the code and repair what the linter can
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

##@ Measurements (docs/performance.md)

bench: venv localstack-venv ## Measure this project beside its peers, in under 10 minutes (QUICK=1: in one, and no document; ONLY="worker api": parts; BASELINE=<commit>: beside itself as it was there, too)
	@$(BIN)/python -m bench $(if $(QUICK),--quick) $(ONLY:%=--only %) $(if $(BASELINE),--baseline "$(BASELINE)")
	@$(if $(QUICK)$(ONLY),,$(BIN)/python -m bench.scaling)

bench-growth: venv localstack-venv ## Measure up to 50,000 tasks and 4 workers, slow receivers and large payloads, in under 10 minutes (QUICK=1)
	@$(BIN)/python -m bench --growth $(if $(QUICK),--quick) $(ONLY:%=--only %)

bench-functions: venv localstack-venv ## Measure what requests, batches and cold starts of the functions take of a core, on which docs/aws.md rests, in some 5 minutes (QUICK=1)
	@$(BIN)/python -m bench --functions $(if $(QUICK),--quick) $(ONLY:%=--only %)
	@$(if $(QUICK)$(ONLY),,$(BIN)/python -m bench.scaling)

profile: venv localstack-venv ## Write flame graphs of the API and the worker under load to .profile, for a browser (less than a minute)
	@$(BIN)/python -m bench.profile

##@ Files that follow from others

generate: venv ## Write what follows from the code: the queues for LocalStack, parts of docker-compose.yml, the templates of AWS
	@$(PROGRAM) generate

scaling: venv ## Compute the tables of docs/scaling.md and docs/aws.md from the model and what was measured
	@$(BIN)/python -m bench.scaling

brokers: venv localstack-venv ## Probe each broker and write the tables of docs/brokers.md (installs those that are missing)
	@$(BIN)/python -m tests.brokers

screenshots: venv localstack-venv ## Photograph the pages on a stack of their own, for the README (docs/images; CHROMIUM as for test-browser)
	@$(if $(CHROMIUM),,tests/debian_program.sh chromium)
	@$(BIN)/python -m tests.browser.screenshots

lock: venv ## Resolve the dependencies anew (needs the network)
	$(LOCK) --upgrade --group dev --output-file requirements/dev.txt pyproject.toml
	$(PART_OF_DEV) --group uv --output-file requirements/uv.txt
	$(PART_OF_DEV) --group stack --output-file requirements/stack.txt pyproject.toml
	$(PART_OF_DEV) --group project --output-file requirements/project.txt pyproject.toml
	$(PART_OF_DEV) --output-file requirements/runtime.txt pyproject.toml
	$(LOCK) --upgrade --exclude-newer $(LOCALSTACK_RESOLVED_AS_OF) --output-file requirements/localstack.txt requirements/localstack.in
	$(LOCK) --upgrade --exclude-newer $(LOCALSTACK_RESOLVED_AS_OF) --constraint requirements/localstack.txt \
		--output-file requirements/localstack-functions.txt requirements/localstack-functions.in
	$(PART_OF_DEV) --group functions --output-file requirements/functions.txt
	$(PART_OF_DEV) --output-file requirements/lambda-runtime.txt requirements/lambda-runtime.in
	$(LOCK) --upgrade --output-file requirements/aws.txt requirements/aws.in
	$(LOCK) --upgrade --output-file requirements/clients.txt requirements/clients.in
	requirements/lock-node-packages.sh tests/clients
	for broker in moto ministack fauxqs; do \
		$(LOCK) --upgrade --output-file requirements/$$broker.txt requirements/$$broker.in || exit; \
	done
	requirements/lock-node-packages.sh requirements/fauxqs
	@for peer in $(PEERS); do \
		$(LOCK) --upgrade --output-file bench/requirements/$$peer.txt bench/requirements/$$peer.in || exit; \
	done

base-images: ## Make the base images from package registries, on a machine that reaches no container registry
	@.ci/base-images/base-images.sh

##@ The rest

clean: ## Stop this clone's stack and remove its state, the receiver's data, the virtual environments and all caches (FORCE=1: what is queued too)
	@if [ -x $(BIN)/python ] || [ -n "$(OF_A_STACK)" ]; then \
		{ [ -x $(BIN)/python ] || $(MAKE) --no-print-directory any-venv; } \
		&& $(PROGRAM) clean $(if $(FORCE),--force) || [ -n "$(FORCE)" ]; fi
	@for directory in "$(if $(PROJECT_DIR),$(PROJECT_DIR)/).stack" "$$STACK_DIR"; do \
		saved="$$directory/saved-messages.json"; kept="$$directory/kept-messages.json"; \
		[ -f "$$directory/lock" ] || [ -f "$$saved" ] || [ -f "$$kept" ] || continue; \
		set --; \
		if [ -z "$(FORCE)" ] && [ -e "$$saved" ]; then echo "What was queued stays in $$saved, for the next make up (FORCE=1 removes it)."; fi; \
		if [ -z "$(FORCE)" ] && [ -e "$$kept" ]; then echo "What fauxqs keeps stays in $$directory/fauxqs, for the next make up (FORCE=1 removes it)."; \
			set -- ! -path ./kept-messages.json ! -path ./fauxqs ! -path "./fauxqs/*"; fi; \
		(CDPATH= cd -- "$$directory" && find . -mindepth 1 $(if $(FORCE),,! -path ./saved-messages.json) "$$@" -delete); rmdir "$$directory" 2>/dev/null || true; \
	done
	@$(if $(PROJECT_DIR),,rm -rf .bench .profile .tools .mypy_cache .pytest_cache .ruff_cache .hypothesis mutants)
	@for kind in "" -uv -localstack -localstack-functions -moto -ministack -fauxqs -lambda-runtime -aws -clients $(PEERS:%=-bench-%); do stack/setup.sh --remove "$(VENV)$$kind"; done
	@rm -rf "$(VENV)-functions"
	@$(if $(PROJECT_DIR),,find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +)

help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "} \
		/^##@ / {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2} \
		END {print "\nps, logs, trace, tail, submit, demo, dlq, deploy and undeploy take ARGS=--help, which has all options, and ARGS=--json for programs."}' \
		$(MAKEFILE_LIST) || :

venv:
	@stack/setup.sh "$(VENV)" requirements/dev.txt "the development tools"

stack-venv:
	@stack/setup.sh $(STACK_VENV)

# What looks at a stack, or stops it, needs no other environment than that which the stack was started with.
any-venv:
	@stack/setup.sh --any $(STACK_VENV)

# What MODE=lambda and `make deploy` install where they run first; the latter is tried in containers too.
functions-venvs: venv
	@PYTHON=$(BIN)/python stack/setup.sh --lazy "$(VENV)-localstack-functions" requirements/localstack-functions.txt "LocalStack with functions"
	@PYTHON=$(BIN)/python stack/setup.sh --lazy "$(VENV)-lambda-runtime" requirements/lambda-runtime.txt "AWS's runtime of functions"
	@PYTHON=$(BIN)/python stack/setup.sh --lazy "$(VENV)-aws" requirements/aws.txt "AWS's SAM CLI"
	@$(BIN)/python -m stack.aws.package

localstack-venv: venv
	@PYTHON=$(BIN)/python stack/setup.sh --lazy "$(VENV)-localstack" requirements/localstack.txt LocalStack
