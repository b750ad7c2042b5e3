# What a newcomer runs: `make demo`, then `make test`. Everything else is below them.
SHELL := bash
CARGO ?= cargo
TOOLS := target/tools

.PHONY: help demo test fmt lint unit test-slow test-observability test-interop test-cluster test-cluster-alone record-likeness bench bench-kubesim bench-core instructions break-kubesim cluster bless proto docs simulate simulate-ci recording-cost mutations mutants chaos fuzz count static test-static reproducible image dev-image dev-shell helm-lint test-chart manifests sbom deny test-integration ci

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## build, then watch the driver live through a day of three sandboxes (needs Rust and a C compiler)
	@$(CARGO) build --quiet -p openshell-driver-kyma -p rig --bins
	@$(CARGO) run --quiet -p rig --bin demo

test: fmt lint unit ## format, clippy pedantic, unit tests, vectors, process tests, a few hundred simulated lives

fmt: ## fail where the code is not formatted
	$(CARGO) fmt --all --check

lint: ## clippy pedantic, warnings are errors
	$(CARGO) clippy --workspace --exclude mutant --all-targets --features openshell-driver-kyma/cluster,likeness/cluster --quiet -- -D warnings

unit: ## every test that needs nothing but this machine
	$(CARGO) test --workspace --exclude mutant --quiet

test-slow: ## what must wait for minutes of real time: old knowledge, strays
	$(CARGO) test --quiet -p openshell-driver-kyma --test process -- --ignored

test-observability: ## promtool on the metrics of a running driver and on the alert rules (needs Go for the first run)
	tests/observability/check

test-interop: ## a gRPC client in another language (needs python3 and PyPI)
	tests/interop/run

cluster: ## a real API server in the foreground, with a kubeconfig to use by hand (needs Go)
	tests/cluster/up

# Most tests wait most of the time and have a namespace each; the others want a cluster, and their turn, for themselves.
test-cluster: ## the driver on a real API server: etcd, kube-apiserver, the agent-sandbox controller (needs Go)
	tests/cluster/check
	tests/cluster/build
	$(CARGO) test --quiet --features cluster --test cluster --no-run
	$(CARGO) test --quiet -p likeness --features cluster --test real --no-run
	tests/cluster/attempt $(CARGO) test --features cluster --test cluster -- --test-threads 8 --skip alone::
	tests/cluster/attempt $(CARGO) test -p likeness --features cluster --test real --

test-cluster-alone: ## the same, where servers are restarted, versions switched and two thousand sandboxes live (needs Go)
	tests/cluster/build
	$(CARGO) test --quiet --features cluster --test cluster --no-run
	tests/cluster/up --exec $(CARGO) test --features cluster --test cluster -- --test-threads 1 --nocapture alone::

record-likeness: ## write down anew what the real API server answers; review the difference (needs Go)
	$(CARGO) test --quiet -p likeness --features cluster --test real --no-run
	LIKENESS_RECORD=1 tests/cluster/up --exec $(CARGO) test -p likeness --features cluster --test real

break-kubesim: ## break the model cluster in its source, in eight places: the likeness test must notice each
	tests/likeness/break-kubesim

SEEDS ?= 10000
FROM ?= 1
simulate: ## play SEEDS simulated lives from seed FROM
	$(CARGO) run --profile simulation --quiet -p simulation -- --seeds $(SEEDS) --from $(FROM)

simulate-ci: ## a few thousand lives that meet every kind of fault, and a driver that dies after each of its outputs
	$(CARGO) run --profile simulation --quiet -p simulation -- --from 1 --seeds 5000 --every-fault
	$(CARGO) run --profile simulation --quiet -p simulation -- --crash-everywhere 3 --seeds 3

recording-cost: ## what the flight recorder costs: nanoseconds an input, bytes
	$(CARGO) run --profile simulation --quiet -p simulation -- --recording-cost

mutations: ## deliberate faults in the core, each of which the simulation must find
	$(CARGO) run --profile simulation --quiet -p simulation --features mutations -- --mutations

MUTANTS ?= src/core/calls/** src/core/observe/**
SHARD ?= 0/1
mutants: $(TOOLS)/bin/cargo-mutants ## mechanical mutants of the core against unit tests and vectors (MUTANTS=files, SHARD=k/n; docs/mutants.md)
	PATH="$(CURDIR)/$(TOOLS)/bin:$$PATH" $(CARGO) mutants --package openshell-driver-kyma $(foreach file,$(MUTANTS),--file '$(file)') \
	  --shard $(SHARD) --baseline skip --timeout 300 --output target -- --lib --test vectors

# The binary that is measured is DRIVER; BENCH has further flags for it (target/release/bench --help).
DRIVER ?= target/release/openshell-driver-kyma
BENCH ?=
bench: ## the driver beside a bare client, on a real API server: times, memory, requests; target/bench/ (needs Go)
	tests/cluster/build
	$(CARGO) build --release --quiet -p bench -p openshell-driver-kyma --bins
	tests/cluster/up --exec target/release/bench --api real --driver $(DRIVER) $(BENCH)

bench-kubesim: ## the same on the model cluster, in a minute or two
	$(CARGO) build --release --quiet -p bench -p openshell-driver-kyma --bins
	target/release/bench --driver $(DRIVER) $(BENCH)

bench-core: ## the core on one thread: inputs a second, then allocations an input
	$(CARGO) bench --quiet -p bench --bench core
	$(CARGO) bench --quiet -p bench --bench core --features allocations

instructions: ## instructions an input, by callgrind, beside those written down; WRITE=1 writes them down (needs valgrind)
	CARGO=$(CARGO) tests/bench/instructions $(if $(WRITE),--write)

ROUNDS ?= 300
chaos: ## kill the driver's process ROUNDS times, at whatever moment; CHAOS_SEED says at which
	CHAOS_ROUNDS=$(ROUNDS) $(CARGO) test --quiet -p openshell-driver-kyma --test process chaos:: -- --nocapture

SECONDS ?= 60
TARGET ?=
fuzz: ## SECONDS of made-up bytes for each place where the driver reads what others wrote, or for TARGET
	$(CARGO) run --profile simulation --quiet -p fuzz-targets -- $(SECONDS) $(TARGET)

bless: ## rewrite what the core says in the vectors; review the difference
	BLESS=1 $(CARGO) test --quiet --test vectors every_vector

proto: ## rewrite the generated code from proto/
	BLESS_PROTO=1 $(CARGO) test --quiet --test generated

docs: ## rewrite the generated parts of docs/
	BLESS_DOCS=1 $(CARGO) test --quiet --test documentation

count: ## crates in the product, and the size of its binary
	@$(CARGO) tree -e normal -p openshell-driver-kyma --prefix none --no-dedupe | awk '{print $$1,$$2}' | sort -u | wc -l
	@$(CARGO) build --release --quiet -p openshell-driver-kyma && stat -c '%s bytes' target/release/openshell-driver-kyma

MACHINES ?= x86_64 aarch64
static: ## the driver as one static file a machine type, in static/ (MACHINES; installs the C compilers it needs on Debian, as root)
	deploy/static/build $(MACHINES)

test-static: static ## that these files are static and small, and run in an empty root
	deploy/static/check $(MACHINES)

reproducible: static ## build them again in another folder: the bytes must be the same
	deploy/static/check --reproducible $(MACHINES)

# Images by digest: RUST_IMAGE=…@sha256:… RUNTIME_IMAGE=…@sha256:…. UNPINNED=yes builds from tags, for trying out.
DOCKER ?= docker
IMAGE ?= openshell-driver-kyma
VERSION ?= $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
BASE ?= distroless
PLATFORMS ?=
image: ## the image of the driver (needs a container engine; DOCKER, IMAGE, BASE=distroless or scratch, PLATFORMS)
	@deploy/static/pinned "$(RUST_IMAGE)" $(if $(filter distroless,$(BASE)),"$(RUNTIME_IMAGE)")
	$(DOCKER) build --target $(BASE) --tag $(IMAGE):$(VERSION) $(if $(PLATFORMS),--platform $(PLATFORMS)) \
	  --build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) --build-arg SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
	  $(if $(RUST_IMAGE),--build-arg RUST_IMAGE=$(RUST_IMAGE)) $(if $(RUNTIME_IMAGE),--build-arg RUNTIME_IMAGE=$(RUNTIME_IMAGE)) .

dev-image: ## an image with what the driver is built with (needs a container engine)
	$(DOCKER) build --target toolchain --tag $(IMAGE)-dev:$(VERSION) $(if $(RUST_IMAGE),--build-arg RUST_IMAGE=$(RUST_IMAGE)) .

dev-shell: dev-image ## a shell in it, with this folder mounted
	$(DOCKER) run --rm --interactive --tty --volume "$(CURDIR):/source" --user "$$(id -u):$$(id -g)" --env HOME=/tmp $(IMAGE)-dev:$(VERSION) bash

CHART := deploy/helm/openshell-driver-kyma
helm-lint: ## helm lint of the chart with its defaults, strictly (needs Go for the first run)
	tests/cluster/tool helm lint --strict --quiet --namespace openshell-system $(CHART)

test-chart: helm-lint ## the chart by the real helm and on the real API server: values, rights, policies, upgrades, lives (needs Go)
	tests/cluster/build
	tests/cluster/build helm kubectl
	$(CARGO) test --quiet --features cluster --test chart --no-run
	tests/cluster/attempt tests/chart/run $(CARGO) test --quiet --features cluster --test chart -- --test-threads 8

manifests: ## render deploy/kustomize and deploy/gateway-with-driver.yaml from the chart anew (needs Go for the first run)
	deploy/kustomize/generate

# Tools of the trade, in versions that are known to work; they are built where they are missing.
$(TOOLS)/bin/cargo-cyclonedx:
	$(CARGO) install --quiet --locked --root $(TOOLS) cargo-cyclonedx@0.5.9
$(TOOLS)/bin/cargo-deny:
	$(CARGO) install --quiet --locked --root $(TOOLS) cargo-deny@0.20.2

$(TOOLS)/bin/cargo-mutants:
	$(CARGO) install --quiet --locked --root $(TOOLS) cargo-mutants@27.1.0

sbom: $(TOOLS)/bin/cargo-cyclonedx ## what the driver is made of, as CycloneDX: static/openshell-driver-kyma-*.cdx.json
	deploy/static/sbom $(TOOLS)/bin/cargo-cyclonedx

# Known vulnerabilities come from a database that is fetched; where it cannot be, ADVISORIES= leaves that out.
ADVISORIES ?= advisories
deny: $(TOOLS)/bin/cargo-deny ## licences, versions, sources and known vulnerabilities of everything that is linked
	$(TOOLS)/bin/cargo-deny --workspace check bans licenses sources $(ADVISORIES)

INTEGRATION_TEST_NAMESPACE ?=
test-integration: ## the driver's life in a namespace of an existing cluster: INTEGRATION_TEST_NAMESPACE=… KUBECONFIG=…
	tests/integration/run "$(INTEGRATION_TEST_NAMESPACE)" $(CARGO)

ci: ## what CI runs
	.ci/run
