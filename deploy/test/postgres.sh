#!/bin/sh
# Runs a PostgreSQL of its own for a test: postgres.sh DIR PORT
# It listens on loopback alone. It says "ready", and then obeys standard input, a command a line, each answered by its own
# line: `database NAME` makes one, `kill` is kill -9, `start` starts it again. When the input ends, as it does when whoever
# started this is killed too, the server ends and DIR goes.
set -eu
dir=$1 port=$2
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
as=
if [ "$(id -u)" -eq 0 ]; then
    # PostgreSQL refuses to run as root.
    as="setpriv --reuid=postgres --regid=postgres --init-groups"
    install -d -o postgres -g postgres -m 700 "$dir"
else
    install -d -m 700 "$dir"
fi
cd "$dir"
$as "$bin/initdb" -D "$dir/data" -A trust -U postgres --no-sync -E UTF8 --locale=C.UTF-8 >"$dir/initdb.log"

start() {
    until=$(($(date +%s) + 60))
    while :; do
        $as "$bin/postgres" -D "$dir/data" -p "$port" -c listen_addresses=127.0.0.1 -c unix_socket_directories="$dir" \
            -c max_connections=200 </dev/null >/dev/null 2>>"$dir/log" &
        pid=$!
        # Right after a kill it may refuse to start: children of before still hold its memory.
        while kill -0 "$pid" 2>/dev/null; do
            "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" && return
            [ "$(date +%s)" -lt "$until" ] || break
            sleep 0.05
        done
        wait "$pid" || true
        if [ "$(date +%s)" -ge "$until" ]; then
            cat "$dir/log" >&2
            exit 1
        fi
        sleep 0.1
    done
}

finish() {
    kill -INT "$pid" 2>/dev/null || true
    wait "$pid" || true
    rm -rf "$dir"
}
trap finish EXIT
start
echo ready
while read -r what name; do
    case $what in
        database) "$bin/createdb" -h 127.0.0.1 -p "$port" -U postgres "$name" ;;
        kill) kill -9 "$pid"; wait "$pid" || true ;;
        start) start ;;
    esac
    echo "$what"
done
