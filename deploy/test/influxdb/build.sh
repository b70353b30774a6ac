#!/bin/sh
# Builds the InfluxDB 2 server that the tests run, once: build.sh OUT-BINARY
# InfluxDB publishes no package for Debian, but its Go module has all of the server but the web pages, and its query
# language is a Rust library inside the Go module `flux`. Needs go (1.23 or later), cargo, a C compiler and pkg-config.
set -eu
out=$1
[ -x "$out" ] && exit 0
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$(dirname "$out")"
folder=$(cd "$(dirname "$out")" && pwd)
out="$folder/$(basename "$out")"
work="$folder/build"
mkdir -p "$work/lib" "$work/pc"
# What a city's Go and Cargo are told must not reach this build.
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR CARGO_BUILD_TARGET MAKEFLAGS GNUMAKEFLAGS CXX 2>/dev/null || true
export GOTOOLCHAIN=local GOFLAGS="-buildvcs=false -mod=readonly" CGO_ENABLED=1 CARGO_INCREMENTAL=0

cd "$here/server"
version=$(sed -n 's/.*github.com\/influxdata\/flux \(v[0-9.]*\).*/\1/p' go.mod)
flux=$(go mod download -json "github.com/influxdata/flux@$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
[ -d "$flux/libflux" ] || { echo "the Go module flux $version could not be fetched" >&2; exit 1; }

# libflux pins an old compiler by a file in its folder and takes warnings for errors: so cargo runs from elsewhere, and
# lints are capped. Without link-time optimisation it is a third of the time.
( cd "$work" && RUSTFLAGS="--cap-lints allow" CARGO_PROFILE_RELEASE_LTO=off \
    cargo build --quiet --release --locked -p flux --lib --manifest-path "$flux/libflux/Cargo.toml" \
    --target-dir "$work/libflux" )
# The archive alone: the linker must not find the shared library that is built beside it.
cp "$work/libflux/release/libflux.a" "$work/lib/"
cat >"$work/pc/flux.pc" <<END
Name: Flux
Version: ${version#v}
Description: The library of the query language Flux
Libs: -L$work/lib -lflux -ldl -lm -lpthread
Cflags: -I$flux/libflux/include
END

# Go's cache keeps what pkg-config said without asking it again, and with it the folder of whoever built last: so a cache
# of this build's own.
GOCACHE="$work/gocache" PKG_CONFIG_PATH="$work/pc" go build -tags sqlite_foreign_keys,sqlite_json -ldflags "-s -w" -trimpath -o "$out.new" .
mv "$out.new" "$out"
rm -rf "$work"
