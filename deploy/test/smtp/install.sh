#!/bin/sh
# Installs a real mail server for the tests, aiosmtpd from PyPI, into a folder: install.sh WORK
set -eu
work=$1
version=1.4.6
if [ ! -x "$work/bin/python" ] || ! "$work/bin/python" -c "import aiosmtpd" 2>/dev/null; then
    python3 -m venv "$work"
    "$work/bin/pip" install --quiet --disable-pip-version-check "aiosmtpd==$version"
fi
