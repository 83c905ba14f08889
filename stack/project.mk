# The Makefile of a project of one's own task types includes this: the stack's commands, on the project's task types.
#
# It says where the clone is (ASYNC_TASKS) and where its task types are (TASK_PACKAGES). The project has an environment
# of its own, .venv, with what the stack runs on, pytest, and what its requirements.txt asks for.

MAKEFLAGS += --no-print-directory
export PROJECT_DIR = $(CURDIR)
IN_CLONE = $(MAKE) -C "$(ASYNC_TASKS)" VENV="$(CURDIR)/.venv"
STACK_COMMANDS = up down ps logs trace tail submit demo dlq deploy undeploy
ARGS ?=
FILE ?=

.DEFAULT_GOAL = help
.PHONY: $(STACK_COMMANDS) test test-stack venv clean help

$(STACK_COMMANDS):
	@$(IN_CLONE) $@ $(if $(FILE),FILE="$(if $(filter /% -,$(firstword $(FILE))),,$(CURDIR)/)$(FILE)")

test: venv ## Run the tests that need no stack (ARGS: pytest's)
	@.venv/bin/python -m pytest -m "not stack" $(ARGS)

test-stack: venv ## Run the tests on a stack, which is started for them and stopped (MODE as for up; ARGS: pytest's)
	@.venv/bin/python -m pytest -m stack $(ARGS)

venv: ## Install what this project and the stack run on into .venv, for your editor
	@$(IN_CLONE) stack-venv

clean: ## Stop this project's stack, and remove its state and environments (FORCE=1: what is queued too)
	@$(IN_CLONE) clean

help: ## List the commands
	@awk 'BEGIN {FS = ":.*## "; print "This project"} \
		/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(lastword $(MAKEFILE_LIST))
	@$(IN_CLONE) help | awk '/^Your own task types/ {exit} {print}'
