#!/bin/sh
# Installs an OpenID provider for tests from npm: oidc.sh WORK
set -eu
work=$1
here=$(cd "$(dirname "$0")" && pwd)/oidc
mkdir -p "$work"
for file in package.json package-lock.json server.mjs; do
    cmp -s "$here/$file" "$work/$file" || { cp "$here/$file" "$work/$file"; rm -rf "$work/node_modules/.package-lock.json"; }
done
[ -e "$work/node_modules/.package-lock.json" ] || (cd "$work" && npm ci --no-audit --no-fund --loglevel=error)
