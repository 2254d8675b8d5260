# What one types here. Each target first sees to what it needs on a fresh Debian machine that has a
# Rust toolchain (checks/setup.sh installs what is missing, or says how), then does its work.
#
# Third-party data is never in the repository: where ../shared/data (or $SEVERN_SHARED_DATA) is
# present it is unpacked once into the cache; where it is not, its tests are skipped and say so.

CARGO ?= cargo
.DEFAULT_GOAL := help
.PHONY: help assets journeys assurance demo test check fmt clippy doc deny bench bench-ledger bench-people long third-party security fuzz setup setup-checks

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: setup assets ## a pretend region and the exchange: one joined record, and the curl that made it
	@echo "building severn (the first time takes some minutes) ..."
	$(CARGO) run --locked --package server --bin severn -- demo $(ARGS)

test: setup assets ## every test, with a count of golden cases, laws and third-party files
	@checks/test.sh

check: fmt clippy test doc deny ## what CI asks of every change: format, lints, tests, docs, dependencies

fmt:
	$(CARGO) fmt --all -- --check

clippy: setup assets
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings

doc: setup
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps

deny: setup ## bans, licences and sources of dependencies; advisories where they can be had
	@checks/deny.sh

assets: setup ## styles and behaviour of the pages, from npm; without them pages are plain
	@checks/assets.sh

assurance: setup ## the assurance pack of this commit, into target/assurance (or PACK)
	$(CARGO) build --locked --workspace --bin xtask
	$${CARGO_TARGET_DIR:-target}/debug/xtask assurance "$${PACK:-target/assurance}"

third-party: setup-checks ## pairs, leaf census, clients: checks that share no code with Severn
	@checks/third-party.sh

journeys: setup assets ## walks the pages of a demo in Chromium, with and without script; axe-core looks at each
	@checks/setup.sh journeys
	@checks/journeys/run.sh

security: setup-checks ## attacks with tokens, and schemathesis, against a running demo
	@checks/security.sh

fuzz: setup ## every fuzz target for FUZZ_SECONDS (30) seconds
	@checks/fuzz.sh

bench: setup ## the benches, each beside its reference measured in the same run
	@checks/bench.sh

bench-ledger: setup ## durable entries a second beside the store's bare rows, on SQLite and PostgreSQL; a million entries checked
	$(CARGO) bench --locked --package store --bench ledger

bench-people: setup ## the person index at 0.1, 1 and 6.1 million people (or PEOPLE), beside PostgreSQL: half an hour, 4 GiB, 12 GB of disk
	PEOPLE="$${PEOPLE:-100000 1000000 6100000}" $(CARGO) bench --locked --package people --bench people

long: setup-checks ## what does not fit CI, in pieces that resume: long fuzzing, many seeds, full benches
	@checks/long.sh

setup:
	@checks/setup.sh build

setup-checks:
	@checks/setup.sh build checks
