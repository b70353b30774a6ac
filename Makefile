.PHONY: test check
test: check
	cargo test --release --workspace --locked
check:
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets --locked -- -D warnings
