# One line per target: `make help` prints what stands after the two number signs.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help bootstrap build demo test test-unit test-e2e check format bench bench-jobs bench-load fuzz fuzz-api clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

bootstrap: ## install what is missing to build and run (Debian and PyPI packages, pinned)
	@scripts/bootstrap

build: ## build the release binary, .build/release/weir
	swift build -c release --product weir

demo: bootstrap build ## start Weirhouse with a sample shop and its dashboard; Ctrl-C ends it
	@scripts/demo

test: ## install what the tests need, then run all of them
	@scripts/run-tests all

test-unit: ## only the Swift tests
	@scripts/run-tests unit

test-e2e: ## only the end-to-end tests, against the debug binary
	@scripts/run-tests e2e

check: ## format, layers and house rules; builds nothing
	@scripts/check

format: ## put all Swift files into the house's format
	swift format --in-place --recursive Sources Tests Package.swift

bench: bootstrap build ## measure against other tools and write docs/benchmarks.md (not in CI)
	Benchmarks/run

bench-jobs: bootstrap ## measure the queue and write docs/benchmarks-jobs.md (not in CI)
	swift build -c release --product jobload
	Benchmarks/run-jobs

bench-load: bootstrap build ## measure the server under 1,000 sessions and write docs/benchmarks-load.md (not in CI)
	@scripts/bootstrap --load
	swift build -c release --product bareserver
	Benchmarks/run-load

fuzz: ## try every parser of outside input with millions of inputs (not in CI; a short run is among the tests)
	WEIR_FUZZ_SECONDS=$${WEIR_FUZZ_SECONDS:-1800} WEIR_FUZZ_SEED=$${WEIR_FUZZ_SEED:-$$RANDOM} swift test --filter FuzzTests
	scripts/fuzz-coverage $${WEIR_FUZZ_COVERAGE_SECONDS:-300}

fuzz-api: ## try the API by its own document for an hour (not in CI; a short run is among the tests)
	@WEIR_FUZZ_SECONDS=$${WEIR_FUZZ_SECONDS:-3600} scripts/run-tests e2e Tests/EndToEnd/test_api_fuzz.py

clean: ## remove what was built (environments and data stay; see docs/set-up.md)
	rm -rf .build Tests/artefacts
