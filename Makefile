# What people and CI call. On a fresh Debian machine with git, make and a Rust toolchain, `make run` and `make test` fetch
# the rest. CARGO_TARGET_DIR is respected; LODGE_ACCEL=kvm runs the demo guest under KVM.

CARGO ?= cargo
# The same packages for program and benchmark, so that what both need is built once.
MEASURED = --package lodge-service --package lodge-tests
BENCHMARK = $(MEASURED) --bench against_libvirt --bench documents
# Whole systems are built and run by root.
SUDO = $(if $(filter 0,$(shell id -u)),,sudo --preserve-env)
ROOT_CARGO = $(CARGO) $(if $(SUDO),--config "target.'cfg(unix)'.runner = '$(SUDO)'")
ROOT_TEST = $(ROOT_CARGO) test --package lodge-tests

# The tests of confinement need root.
TEST_RUNNER = CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='$(CURDIR)/scripts/run-test'

.DEFAULT_GOAL := build
.PHONY: help build all run test test-system check bench fuzz release install deb demo-guest schemas clean

help: ## Show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

build: ## Build lodged and lodgectl (make all is the same)
	$(CARGO) build --workspace

all: build

run: ## Set everything up, then run the demo guest under lodged until its console greets
	scripts/install-packages run
	$(CARGO) build --workspace
	scripts/demo-guest
	scripts/run-demo

test: ## Set everything up, then check and test all but what needs virtual machines
	scripts/install-packages run test system deb
	scripts/demo-guest
	scripts/libvirt-schemas
	$(MAKE) --no-print-directory check
	$(CARGO) build --workspace
	$(TEST_RUNNER) $(CARGO) test --workspace
	$(SUDO) scripts/test-host container
	$(ROOT_TEST) --test system

test-system: ## Set everything up, then run the tests of whole systems, in a container and in virtual machines
	scripts/install-packages run system deb
	$(CARGO) build --workspace
	$(SUDO) scripts/test-host container
	$(SUDO) scripts/test-host vm
	$(ROOT_TEST) --test system --test vm

check: ## Formatting, lints, licences and origins of dependencies, shell scripts
	scripts/install-packages run test
	scripts/install-tools
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --package lodge-tests --test system --test vm -- -D warnings
	scripts/check-dependencies
	scripts/check-scripts

bench: ## Measure against libvirt (installs its packages); results: docs/benchmarks.md
	scripts/install-packages run bench
	$(CARGO) build --release $(BENCHMARK) --bench networks --bin lodged
	$(CARGO) bench $(BENCHMARK)
	$(ROOT_CARGO) bench $(MEASURED) --bench networks

fuzz: ## Fuzz every parser of outside text, each for FUZZ_SECONDS (600); TARGET=xml for one
	scripts/install-packages run fuzz
	scripts/install-tools cargo-fuzz
	scripts/fuzz $(TARGET)

release: ## Build lodged and lodgectl for use
	$(CARGO) build --release --package lodge-service

install: ## Put what `make release` built into PREFIX (/usr/local), below DESTDIR
	scripts/install "$${CARGO_TARGET_DIR:-target}/release"

deb: ## Build the Debian package, for the release that this machine runs, into build
	scripts/install-packages run deb
	$(MAKE) --no-print-directory release
	scripts/debian-package "$${CARGO_TARGET_DIR:-target}/release" build

demo-guest: ## Build the demo guest only, in build/demo-guest
	scripts/install-packages run
	scripts/demo-guest

schemas: ## Fetch libvirt's schemas only, into build/libvirt-schemas
	scripts/libvirt-schemas

clean: ## Remove what was built
	$(CARGO) clean
	rm -rf build
