# citywatch: make help

CITYWATCH := target/release/citywatch
WEB := command-center/web
# The tests of the workspace build the binary too, so that `make test` need not build it again.
PACKS = $(CITYWATCH) rules check --strict rules/packs && $(CITYWATCH) rules test --strict rules/packs \
	&& $(CITYWATCH) rules lint rules/packs

.PHONY: help run test check page page-check packs browser api kafka-tls bench deny

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: page ## build and start the demo city; Ctrl-C stops it
	cargo build --release --locked
	$(CITYWATCH) demo

test: page page-check check ## all that CI runs: style, tests, rule tests, the page in a browser
	deploy/test/install.sh
	deploy/test/influxdb/build.sh target/influxdb/influxd
	deploy/test/kafka/fetch.sh target/kafka
	deploy/test/smtp/install.sh target/smtp
	deploy/test/oidc.sh target/oidc
	cargo test --release --workspace --locked
	$(PACKS)
	$(MAKE) kafka-tls browser api
	@echo "make test: everything passed"

check: ## formatting, lints, documentation
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --release --workspace --no-deps --document-private-items --locked --quiet

page: $(WEB)/dist/index.html ## the page that is served from inside the binary

page-check: $(WEB)/node_modules/.package-lock.json ## types, lints and unit tests of the page; the AsyncAPI document
	cd $(WEB) && npm run --silent check && npm run --silent test && npm run --silent asyncapi

browser: page ## an operator's first five minutes in Chromium, against the built binary
	cd $(WEB) && npm run --silent e2e && npm run --silent operator && npm run --silent citizen && npm run --silent utility && npm run --silent basemap && npm run --silent live

api: ## the API against its own description: thousands of made-up requests to a demo
	deploy/test/api.sh $(abspath $(CITYWATCH)) $(abspath target/schemathesis)

kafka-tls: ## the log over TLS to a real broker, in a build with that feature (needs libssl-dev and pkg-config)
	deploy/test/kafka/fetch.sh target/kafka
	cargo test --release --locked --package bus --features kafka-tls --target-dir target/kafka-tls --test it -- kafka::secure

packs: ## check, test and lint the city's rules
	cargo build --release --locked
	$(PACKS)

bench: page ## every table of docs/performance.md, one a goal; twenty minutes on a quiet machine once it is built
	cargo bench --workspace --locked --no-run --bench '*'
	@begin=$$(date +%s); cargo bench --quiet --workspace --locked --bench '*' && \
		echo && echo "make bench: all tables in $$(( $$(date +%s) - begin )) s"

deny: ## advisories, licences and sources (installs cargo-deny; needs the network)
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --locked check

$(WEB)/node_modules/.package-lock.json: $(WEB)/package.json $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(WEB)/dist/index.html: $(WEB)/node_modules/.package-lock.json $(wildcard $(WEB)/*.ts $(WEB)/*.html) $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null)
	cd $(WEB) && npm run --silent build
	@touch $@
