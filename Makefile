# Every target installs what it needs first (scripts/packages.txt). `make help` tells the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# Where `make run` listens.
LISTEN ?= localhost:8080
# Further words for pytest, as in: make test-acceptance PYTEST='-k socketio'
PYTEST ?=
# Further words for the micro-benchmarks, as in: make bench-micro MICRO='route --json'
MICRO ?=

BINARY := .build/release/martlet
# A module may import only what Package.swift lists for it: that keeps the floors apart.
SWIFT := --explicit-target-dependency-import-check error
# lld: the default linker warns of what Swift's own library does.
RELEASE := -c release --static-swift-stdlib $(SWIFT) -Xswiftc -use-ld=lld

.PHONY: help
help: ## tells what each target does (this text)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: swift
swift:
	@command -v swift >/dev/null || { \
	  echo "Swift 6.3 is needed: https://www.swift.org/install/linux/" >&2; exit 1; }

.PHONY: packages-%
packages-%:
	@scripts/install-packages $(subst +, ,$*)

.PHONY: build
build: packages-build swift ## compiles the release binary, .build/release/martlet
	@swift build $(RELEASE) --product martlet

.PHONY: run
run: build ## serves the demo at http://localhost:8080 (LISTEN=address changes that)
	@exec $(BINARY) demo --listen $(LISTEN)

.PHONY: test
test: lint test-unit test-acceptance ## lint, unit tests and acceptance tests

.PHONY: test-unit
test-unit: packages-build swift ## tests of each module
	@swift test $(SWIFT)

.PHONY: test-acceptance
test-acceptance: packages-build+test build .venv/.stamp ## drives the binary with real clients and servers (PYTEST='-k name')
	@MARTLET='$(CURDIR)/$(BINARY)' .venv/bin/python -m pytest Tests/Acceptance $(PYTEST)

.venv/.stamp: Tests/Acceptance/requirements.txt
	@python3 -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

.PHONY: bench
bench: packages-build+bench build ## measures against nginx, HAProxy and whoever is here, two hours
	@MARTLET='$(CURDIR)/$(BINARY)' Benchmarks/run
	@MARTLET='$(CURDIR)/$(BINARY)' Benchmarks/mix/run

.PHONY: bench-smoke
bench-smoke: packages-build+bench build ## the same in seconds: does the benchmark still work?
	@MARTLET='$(CURDIR)/$(BINARY)' Benchmarks/run --smoke

.PHONY: bench-peers
bench-peers: packages-bench ## installs Traefik, Envoy and Caddy for `make bench`, into .build
	@Benchmarks/run --install-peers

.PHONY: bench-micro
bench-micro: packages-build swift ## measures the parts of a request, in nanoseconds and allocations (MICRO='--json word')
	@swift build $(RELEASE) --package-path Benchmarks/micro --scratch-path .build/micro --product micro >&2
	@.build/micro/release/micro $(MICRO)

.PHONY: bench-load
bench-load: packages-build swift ## tests the load generator: is what it measures true?
	@swift test --package-path Benchmarks/load --scratch-path .build/load

.PHONY: bench-mix
bench-mix: packages-build+bench build ## measures capacity and p99 with what ERPNext's users ask for, many minutes
	@MARTLET='$(CURDIR)/$(BINARY)' Benchmarks/mix/run

SOURCES := Package.swift Sources Tests Benchmarks/micro Benchmarks/load
SCRIPTS = $(shell grep -rlE '^\#!.*\b(ba)?sh$$' scripts .ci Benchmarks 2>/dev/null)
PYTHONS = $(shell find scripts Tests Benchmarks -name '*.py' 2>/dev/null)

.PHONY: lint
lint: packages-lint swift ## format and syntax of everything, changing nothing
	@swift format lint --strict --recursive $(SOURCES)
	@for file in $(SCRIPTS); do bash -n "$$file"; done
	@python3 -c 'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]' $(PYTHONS)

.PHONY: format
format: swift ## rewrites the Swift sources in the house format
	@swift format format --in-place --recursive $(SOURCES)

.PHONY: image
image: ## builds the container image, or proves its root file system where no engine runs
	@for engine in docker podman; do \
	  if $$engine info >/dev/null 2>&1; then exec $$engine build --tag martlet .; fi; \
	done; \
	echo "no container engine answers; proving the image's root file system instead" >&2; \
	$(MAKE) --no-print-directory rootfs

.PHONY: rootfs
rootfs: packages-image build ## makes the image's root file system on a minimal Debian and runs Martlet in it
	@scripts/prove-rootfs $(BINARY)

.PHONY: clean
clean: ## removes everything that was built
	@rm -rf .build .venv
