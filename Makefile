# Named targets with short recipes; logic lives in tools/ and lab/.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
export PYTHONDONTWRITEBYTECODE := 1
PYTHON_PATHS := python fpolicy-server lab tools tests
TYPED_PATHS := python/fsxn_runtime fpolicy-server/fpolicy_server lab tools

.DEFAULT_GOAL := help
.PHONY: help setup fmt lint types test test-terraform test-local validate checkov package-lambdas check coverage demo demo-live look bench growth fuzz soak storm clean plan lock sbom

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

setup: ## install everything into .venv and .venv-lambda (pinned; a second run is free)
	@$(PYTHON) tools/setup_environment.py dev lambda

demo: setup package-lambdas ## the main job on this machine: files in, reports and lineage out, nothing lost
	@$(BIN)/python -m lab.demo

demo-live: setup package-lambdas ## the same, left running: touch files and watch
	@$(BIN)/python -m lab.demo --live

look: setup ## a report as people see it: make look PAGE=build/demo/report.html; pictures in build/look/ (needs Chromium)
	@$(BIN)/python -m tools.look_at_report $(or $(PAGE),build/demo/report.html)

bench: setup package-lambdas ## what everything costs, beside simpler things of the same run (PARTS="server router"; all without it); build/bench.html
	@$(BIN)/python -m tools.bench $(PARTS)

growth: setup package-lambdas ## how cost grows with connections, events, volumes, rules, workloads (EVENTS=1000000); build/growth.html
	@$(BIN)/python -m tools.bench.growth $(if $(EVENTS),--events $(EVENTS))

storm: setup package-lambdas ## the large proofs (RUN="lineage queue reconnect matrix"; all without it); build/storm/
	@$(BIN)/python -m lab.storm $(RUN)

test: setup package-lambdas ## every test
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

coverage: setup ## branch coverage of the server's wire code, which must be 100 %
	@$(BIN)/python tools/coverage_wire.py

fuzz: setup ## broken input at everything that reads what others sent: make fuzz [TARGET=wire] [SECONDS=60] [SEED=n]
	@$(BIN)/python -m tools.fuzz $(if $(TARGET),--target $(TARGET)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

.PHONY: chaos
chaos: setup package-lambdas ## the whole laboratory under faults drawn from a seed, then the account: make chaos SEED=n [SECONDS=60]; build/chaos/
	@$(BIN)/python -m lab.chaos $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))

soak: setup ## the server under mixed faults, nothing lost, no growth: make soak [SECONDS=600 or EVENTS=1000000] [SEED=n]; build/soak.json
	@$(BIN)/python -m tools.soak $(if $(EVENTS),--events $(EVENTS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

test-terraform: setup package-lambdas ## only the tests that run Terraform
	@$(BIN)/python -m pytest -n 2 -m terraform

test-local: setup package-lambdas ## only the end-to-end tests on the local AWS
	@$(BIN)/python -m pytest -m local

package-lambdas: setup ## build the Lambda zips into build/lambdas (byte-identical for the same commit)
	@$(BIN)/python tools/package_lambdas.py

fmt: setup ## format Python and Terraform
	@$(BIN)/ruff format $(PYTHON_PATHS)
	@PATH="$(PATH):$(CURDIR)/$(BIN)" terraform fmt -recursive modules envs

lint: setup ## ruff and terraform fmt, nothing changed
	@$(BIN)/ruff check $(PYTHON_PATHS)
	@$(BIN)/ruff format --check $(PYTHON_PATHS)
	@PATH="$(PATH):$(CURDIR)/$(BIN)" terraform fmt -check -recursive modules envs

types: setup ## mypy --strict
	@$(BIN)/mypy $(TYPED_PATHS)

validate: setup ## every module and environment by the provider's schema (TF_AWS_PROVIDER=registry: the real provider)
	@$(BIN)/python tools/terraform_validate.py

plan: package-lambdas ## a full plan of an environment without an account: make plan ENV=poc (or production); build/plan/
	@$(BIN)/python tools/terraform_plan.py $(ENV)

lock: setup ## pin the AWS provider by hash in poc and production, for four platforms (asks the Terraform registry)
	@TF_AWS_PROVIDER=registry $(BIN)/python tools/terraform_lock.py

checkov: ## policy scan of modules, environments and Dockerfile, with our own policies; counts the skips; hadolint, cfn-lint
	@$(PYTHON) tools/setup_environment.py checkov
	@$(PYTHON) tools/checkov_skips.py
	@.venv-checkov/bin/hadolint fpolicy-server/Dockerfile
	@.venv-checkov/bin/python -m tools.lint_fragments
	@.venv-checkov/bin/checkov --config-file .checkov.yml

.PHONY: audit
audit: ## known vulnerabilities of every pinned package; needs the public index
	@test -x .venv-audit/bin/pip-audit || $(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/pip install --quiet --requirement requirements/audit.txt
	@.venv-audit/bin/pip-audit --strict --no-deps --disable-pip $(foreach file,$(wildcard requirements/*.txt),-r $(file))

sbom: setup package-lambdas ## bills of materials (CycloneDX) of the server's image and of each zip; build/sbom
	@$(PYTHON) tools/setup_environment.py checkov
	@.venv-checkov/bin/python -m tools.sbom

check: lint types test checkov sbom ## what CI runs

clean: ## remove what was built (environments stay)
	@rm -rf build .mypy_cache .ruff_cache
