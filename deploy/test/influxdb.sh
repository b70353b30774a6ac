#!/bin/sh
# Runs an InfluxDB of its own for a test: influxdb.sh SERVER DIR PORT
# It listens on loopback alone, set up with the organisation "city" and the token "test-token". It says "ready", and then
# obeys standard input, a command a line, each answered by its own line: `kill` is kill -9, `start` starts it again. When
# the input ends, as it does when whoever started this is killed too, the server ends and DIR goes.
set -eu
server=$1 dir=$2 port=$3
mkdir -p -m 700 "$dir"
# It would take a file config.* of the folder for its own.
cd "$dir"
base="http://127.0.0.1:$port"

start() {
    "$server" --http-bind-address "127.0.0.1:$port" --bolt-path "$dir/influxd.bolt" --engine-path "$dir/engine" \
        --reporting-disabled --ui-disabled --no-tasks --log-level error </dev/null >>"$dir/log" 2>&1 &
    pid=$!
    until=$(($(date +%s) + 60))
    until curl -fs -o /dev/null "$base/health"; do
        if ! kill -0 "$pid" 2>/dev/null || [ "$(date +%s)" -ge "$until" ]; then
            cat "$dir/log" >&2
            exit 1
        fi
        sleep 0.05
    done
}

finish() {
    kill "$pid" 2>/dev/null || true
    wait "$pid" || true
    rm -rf "$dir"
}
trap finish EXIT
start
curl -fs -o /dev/null -X POST "$base/api/v2/setup" -d '{"username":"admin","password":"only-for-tests","org":"city",
    "bucket":"unused","token":"test-token"}'
echo ready
while read -r what; do
    case $what in
        kill) kill -9 "$pid"; wait "$pid" || true ;;
        start) start ;;
    esac
    echo "$what"
done
