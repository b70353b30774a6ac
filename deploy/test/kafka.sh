#!/bin/sh
# Runs a Kafka of its own for a test: kafka.sh LIBS DIR PORT CONTROLLER-PORT
# One node that is broker and controller, on loopback alone, with the configuration of deploy/kafka. It says "ready", and
# then obeys standard input, a command a line, each answered by its own line: `kill` is kill -9, `start` starts it again.
# When the input ends, as it does when whoever started this is killed too, the server ends and DIR goes.
set -eu
libs=$1 dir=$2 port=$3 controller=$4
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p -m 700 "$dir"
# Later lines win. Short sessions: a broker that was killed may come back after three seconds, not nine.
cat "$here/../kafka/server.properties" - >"$dir/server.properties" <<END
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
log.dirs=$dir/data
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
offsets.topic.num.partitions=1
log.cleaner.backoff.ms=100
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.threads=1
END
flags="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xshare:auto"
flags="$flags -Dlog4j2.configurationFile=$here/kafka/log4j2.xml"

start() {
    until=$(($(date +%s) + 90))
    : >"$dir/log"
    # shellcheck disable=SC2086 # a list of words
    java -Xms96m -Xmx384m $flags -cp "$libs/*" kafka.Kafka "$dir/server.properties" </dev/null >>"$dir/log" 2>&1 &
    pid=$!
    until grep -q "Kafka Server started" "$dir/log"; do
        if ! kill -0 "$pid" 2>/dev/null || [ "$(date +%s)" -ge "$until" ]; then
            cat "$dir/log" >&2
            exit 1
        fi
        sleep 0.05
    done
}

finish() {
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    rm -rf "$dir"
}
# shellcheck disable=SC2086 # a list of words
if ! java -Xmx96m $flags -cp "$libs/*" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg \
    -c "$dir/server.properties" >"$dir/format.log" 2>&1; then
    cat "$dir/format.log" >&2
    exit 1
fi
trap finish EXIT
start
echo ready
while read -r what; do
    case $what in
        kill) kill -9 "$pid"; wait "$pid" 2>/dev/null || true ;;
        start) start ;;
    esac
    echo "$what"
done
