# The commands of the project. CI calls the same ones.

CARGO ?= cargo
DENY_VERSION := 0.20.2
CHROMIUM ?= /usr/bin/chromium
MESH_BINARY := $(CURDIR)/target/debug/mesh
FUNCTIONS := $(notdir $(wildcard crates/functions/*))

.PHONY: help serve build test test-rust test-clients test-package test-browser chromium console check-console check bench-functions fmt tools

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: ## Build and start the server; options in ARGS, as in make serve ARGS="--listen 0.0.0.0:4000 --tls"
	$(CARGO) run --release --bin mesh -- serve $(ARGS)

build: ## Build the release binary, target/release/mesh
	$(CARGO) build --release --bin mesh

test: test-rust test-clients test-package test-browser ## Run all tests: Rust, the real client libraries under Node, our own, pages in Chromium

test-rust:
	$(CARGO) test --workspace --locked

test-clients:
	$(CARGO) build --locked --bin mesh
	cd tests/clients && npm ci --no-audit --no-fund && MESH_BINARY=$(MESH_BINARY) npm test

test-package: chromium
	$(CARGO) build --locked --bin mesh
	cd clients/javascript && npm ci --no-audit --no-fund && CHROMIUM=$(CHROMIUM) MESH_BINARY=$(MESH_BINARY) npm test
	cd examples/javascript-client && npm ci --no-audit --no-fund && npm run check

test-browser: chromium check-console
	$(CARGO) build --locked --bin mesh
	cd tests/browser && npm ci --no-audit --no-fund && CHROMIUM=$(CHROMIUM) MESH_BINARY=$(MESH_BINARY) npm test

console: ## Build the console's bundle, which is committed
	cd console && npm ci --no-audit --no-fund && npm run build

check-console:
	cd console && npm ci --no-audit --no-fund && npm run check

chromium:
	@test -x $(CHROMIUM) || ./tests/browser/install-chromium

check: tools ## Format, lints, licences and documentation, every warning an error
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings
	$(CARGO) deny --locked --log-level error check bans licenses sources
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features --locked --document-private-items

bench-functions: ## Measure the functions: their start, answers, memory and size
	@# Aborting on a panic, as cargo lambda builds what is deployed.
	CARGO_PROFILE_RELEASE_PANIC=abort $(CARGO) build --release --locked $(FUNCTIONS:%=--package %)
	$(CARGO) build --release --locked --package mesh-lambda --example bare
	$(CARGO) bench --profile release --locked --package mesh-lambda --bench functions

fmt: ## Format the code
	$(CARGO) fmt --all

tools: ## Install what make check needs
	@$(CARGO) deny --version 2>/dev/null | grep -q ' $(DENY_VERSION)$$' || \
		$(CARGO) install --locked cargo-deny --version $(DENY_VERSION)
