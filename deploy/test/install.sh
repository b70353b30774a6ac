#!/bin/sh
# Installs what the tests need beside Rust and Node, where it is missing: the Mosquitto broker and its clients,
# PostgreSQL, Java and Maven for Kafka, kcat, OpenSSL's headers for the log over TLS, Python for schemathesis, poppler to
# read PDF, and Chromium with a Chinese font. Debian and root only; elsewhere it says what is missing.
set -eu
missing=
have() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }
command -v go >/dev/null 2>&1 || { echo "the tests need go 1.23 or later, to build InfluxDB's server: https://go.dev/dl" >&2; exit 1; }
have curl || missing="$missing curl"
have openssl || missing="$missing openssl"
have pkg-config || missing="$missing pkg-config"
pkg-config --exists libssl 2>/dev/null || missing="$missing libssl-dev"
python3 -c "import ensurepip" 2>/dev/null || missing="$missing python3-venv"
have mosquitto || missing="$missing mosquitto"
have mosquitto_sub || missing="$missing mosquitto-clients"
[ -n "$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null)" ] || missing="$missing postgresql"
have kcat || missing="$missing kcat"
have java || missing="$missing default-jre-headless"
have mvn || missing="$missing maven"
have pdftotext || missing="$missing poppler-utils"
[ -d /usr/share/poppler/cMap ] || missing="$missing poppler-data"
have chromium || missing="$missing chromium"
[ -d /usr/share/fonts/opentype/noto ] || [ -d /usr/share/fonts/truetype/wqy ] || missing="$missing fonts-wqy-microhei"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! have apt-get; then
    echo "the tests need:$missing; install them (Debian: apt-get install$missing) and run the tests again" >&2
    exit 1
fi
# The tests start brokers of their own, so the package's service stays off.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
apt-get update -qq
# shellcheck disable=SC2086 # a list of words
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
