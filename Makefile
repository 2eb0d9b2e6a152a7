# Two commands matter: `make demo` shows the product, `make test` proves it. Both need Python 3.11 or newer and a network.

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
  $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done || true)
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

.PHONY: help install demo dev test test-long check format bench translations lock
help:
	@echo "make demo [RESET=1]   the product, with a store to try it on (REGULARS_PORT, REGULARS_HOME move it)"
	@echo "make test             every test but the long ones"
	@echo "make check            format, lint, types, import contracts"
	@echo "make dev              the demo, its processes restarted when a file changes"
	@echo "make bench            how fast, next to how fast it could be"
	@echo "make chaos            kill, freeze and cut everything while traffic flows, then count (SEED, MINUTES)"
	@echo "make test-long        the tests that take minutes"
	@echo "make translations     what translators are given, gathered from the code anew"
	@echo "make lock             resolve the dependencies anew"

install:
	$(if $(PYTHON),,$(error Regulars needs Python 3.11 or newer: put it on PATH or run make PYTHON=/path/to/python))
	@$(PYTHON) -I plugin/local/install.py

demo: install
	@$(BIN)/regulars demo $(if $(RESET),--reset) $(if $(CUSTOMERS),--customers $(CUSTOMERS))

dev: install
	@$(BIN)/regulars demo --reload $(if $(RESET),--reset) $(if $(CUSTOMERS),--customers $(CUSTOMERS))

test: install
	@$(BIN)/regulars frontend --development
	@$(BIN)/python -m tests.halves

test-long: install
	@$(BIN)/regulars frontend --development
	@$(BIN)/pytest -m long

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install
	@$(BIN)/python -m tests.bench

ERRORS := RegularsError Fault Invalid NotFound Refused RemoteError Unavailable OutcomeUnknown Unauthorized Throttled Denied \
  NotEnoughPoints ReferralsClosed ChangedMeanwhile RewardPaused RewardSoldOut BudgetReached TooOften RequestReused NotReturnable TooMany NotSignedIn StalePage WrongToken OtherShop NotAccepted Rejected Unanswered \
  Away BadSignature DeadGrant LeftAlone StaleIdToken Superseded TooLate TurnOver UserErrors
translations: install
	$(BIN)/pybabel -q extract -F pyproject.toml -o admin_ui/translations/messages.pot --no-location --sort-output \
	  --project=Regulars $(ERRORS:%=-k %) --ignore-dirs "node_modules static sandbox local" admin_ui plugin

chaos: install
	@$(BIN)/python -m tests.chaos

lock: install
	$(COMPILE) requirements-build.in -o requirements-build.lock
	$(COMPILE) pyproject.toml -o requirements.lock
	$(COMPILE) pyproject.toml --extra dev -c requirements.lock -o requirements-dev.lock
	$(BIN)/regulars frontend --lock
