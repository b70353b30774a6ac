# citywatch: make help

CITYWATCH := target/release/citywatch
# The tests of the workspace build the binary too, so that `make test` need not build it again.
PACKS = $(CITYWATCH) rules check --strict rules/packs && $(CITYWATCH) rules test --strict rules/packs

.PHONY: help run test check packs bench deny

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: ## build and start the demo city; Ctrl-C stops it
	cargo build --release --locked
	$(CITYWATCH) demo

test: check ## all that CI runs: style, tests, rule tests
	deploy/test/install-mosquitto.sh
	cargo test --release --workspace --locked
	$(PACKS)
	@echo "make test: everything passed"

check: ## formatting, lints, documentation
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --release --workspace --no-deps --document-private-items --locked --quiet

packs: ## check and test the city's rules
	cargo build --release --locked
	$(PACKS)

bench: ## the benchmarks of docs/performance.md; a quarter of an hour on a quiet machine
	cargo bench --workspace --locked

deny: ## advisories, licences and sources (installs cargo-deny; needs the network)
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --locked check
