#!/bin/sh
# Asks a demo of this machine what its OpenAPI description allows, and what it does not: api.sh CITYWATCH WORK
# schemathesis (from PyPI, into WORK) makes the requests; an answer of 500 or above, or one that is not as described,
# fails. It asks as somebody with every role of the desk, then as somebody of a unit. Left out are streams, which do not
# end, and what would lock out who asks. Before that a client of others' for Open311 reports and reads.
set -eu
citywatch=$1 work=$2
version=4.32.5
here=$(mktemp -d)
mkdir -p "$work"
if [ ! -x "$work/bin/schemathesis" ]; then
    python3 -m venv "$work"
    "$work/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" "three==0.8.0" "simplejson==4.3.0"
fi
"$citywatch" demo --sensors 300 --data-dir "$here/data" --http 127.0.0.1:0 --mqtt 127.0.0.1:0 >"$here/told" 2>&1 &
demo=$!
finish() {
    kill "$demo" 2>/dev/null || true
    wait "$demo" 2>/dev/null || true
    rm -rf "$here"
}
trap finish EXIT
until=$(($(date +%s) + 60))
until grep -q 'now live' "$here/told"; do
    if ! kill -0 "$demo" 2>/dev/null || [ "$(date +%s)" -ge "$until" ]; then
        cat "$here/told" >&2
        exit 1
    fi
    sleep 0.2
done
page=$(sed -n 's|.*page  \(http://[^/]*\)/.*|\1|p' "$here/told")
# Makes an account, and prints the cookie of its session: sign_in NAME OPTION...
sign_in() {
    name=$1
    shift
    head -c 24 /dev/urandom | base64 | tee "$here/password" |
        "$citywatch" accounts add "$name" "$@" --password-stdin --data-dir "$here/data" >&2
    printf '{"name":"%s","password":"%s"}' "$name" "$(cat "$here/password")" >"$here/who"
    "$work/bin/python" - "$page" "$here/who" <<'END'
import sys, urllib.request
page, who = sys.argv[1:]
request = urllib.request.Request(f"{page}/api/v1/sign-in", open(who, "rb").read(), {"content-type": "application/json", "origin": page})
print(urllib.request.urlopen(request).headers["set-cookie"].split(";")[0])
END
}
# Makes the requests: ask COOKIE OPTION...
ask() {
    cookie=$1
    shift
    "$work/bin/schemathesis" run openapi.json --url "$page" -H "Cookie: $cookie" -H "Origin: $page" \
        --checks not_a_server_error,response_schema_conformance,content_type_conformance \
        --max-examples 10 --seed 1 --request-timeout 30 --no-color "$@"
}
roles=
for role in administrator operator dispatcher inspector supervisor rule-engineer; do roles="$roles --role $role"; done
# shellcheck disable=SC2086 # a list of words
desk=$(sign_in asker $roles)
unit=$(sign_in worker --role unit --unit district-water-110101)
key=$("$citywatch" tokens add open311 --scope appeals:write --data-dir "$here/data")
"$work/bin/python" "$(dirname "$0")/open311.py" "$page" "$key"
"$citywatch" openapi >"$here/openapi.json"
cd "$here"
ask "$desk" --phases coverage,fuzzing \
    --exclude-path-regex '/(live|incidents/tail|feed/|sign-out|sign-in|session/password|accounts)'
# What a unit is let in to.
ask "$unit" --phases coverage --include-path-regex '^/api/v1/(cases|interviews|objections|notices|rosters)'
