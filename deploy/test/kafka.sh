#!/bin/sh
# Runs a Kafka of its own for a test: kafka.sh LIBS DIR PORT:CONTROLLER-PORT:TOLD-PORT...
# One node for each group of ports, all of them broker and controller, on loopback alone, with the configuration of
# deploy/kafka; of three, what a city needs of a cluster. TOLD-PORT is where clients are told to go: PORT itself, or a
# way to it. It says "ready", and then obeys standard input, a command a
# line, each answered by its first word: `kill N` is kill -9 of the N-th node, `start N` starts it again. `cut N TOPIC
# BYTES`, for a node that was killed, takes so many bytes off the end of each partition, as a machine does that goes down
# before they are on its disk.
# With KAFKA_USER=NAME:PASSWORD in the environment it lets in nobody else: by SASL PLAIN or SCRAM-SHA-512, over TLS where
# KAFKA_PEM names a file with its key and certificate, which clients must show too.
# When the input ends, as it does when whoever started this is killed too, the servers end and DIR goes.
set -eu
libs=$1 dir=$2
shift 2
here=$(cd "$(dirname "$0")" && pwd)
nodes=0 voters=
for ports in "$@"; do
    nodes=$((nodes + 1))
    rest=${ports#*:}
    voters="$voters${voters:+,}$nodes@127.0.0.1:${rest%:*}"
done
in_sync=1
[ "$nodes" -lt 3 ] || in_sync=2
flags="-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Xshare:auto"
flags="$flags -Dlog4j2.configurationFile=$here/kafka/log4j2.xml"

# Later lines win. Short sessions: a broker that was killed may come back after three seconds, not nine.
configure() {
    port=${2%%:*} told=${2##*:} controller=${2#*:}
    controller=${controller%:*}
    mkdir -p -m 700 "$dir/$1"
    cat "$here/../kafka/server.properties" - >"$dir/$1/server.properties" <<END
node.id=$1
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$told
log.dirs=$dir/$1/data
default.replication.factor=$nodes
min.insync.replicas=$in_sync
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
offsets.topic.num.partitions=1
offsets.topic.replication.factor=$nodes
log.cleaner.backoff.ms=100
log.cleaner.dedupe.buffer.size=4194304
log.cleaner.threads=1
END
    [ -z "${KAFKA_USER:-}" ] || secure >>"$dir/$1/server.properties"
    # shellcheck disable=SC2086 # a list of words
    if ! java -Xmx96m $flags -cp "$libs/*" kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg \
        ${KAFKA_USER:+--add-scram "SCRAM-SHA-512=[name=${KAFKA_USER%%:*},password=${KAFKA_USER#*:}]"} -c "$dir/$1/server.properties" >"$dir/$1/format.log" 2>&1; then
        cat "$dir/$1/format.log" >&2
        exit 1
    fi
}

# Lets in one user alone; the broker knows itself by the same name.
secure() {
    user=${KAFKA_USER%%:*} password=${KAFKA_USER#*:} protocol=SASL_PLAINTEXT
    modules=org.apache.kafka.common.security
    if [ -n "${KAFKA_PEM:-}" ]; then
        protocol=SASL_SSL
        for store in keystore truststore; do
            printf 'ssl.%s.type=PEM\nssl.%s.location=%s\n' $store $store "$KAFKA_PEM"
        done
    fi
    listener=listener.name.$(echo $protocol | tr '[:upper:]' '[:lower:]')
    cat <<END
listeners=$protocol://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=$protocol://127.0.0.1:$told
listener.security.protocol.map=$protocol:$protocol,CONTROLLER:PLAINTEXT
inter.broker.listener.name=$protocol
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=PLAIN
$listener.ssl.client.auth=required
$listener.plain.sasl.jaas.config=$modules.plain.PlainLoginModule required username="$user" password="$password" user_$user="$password";
$listener.scram-sha-512.sasl.jaas.config=$modules.scram.ScramLoginModule required;
END
}

launch() {
    : >"$dir/$1/log"
    # shellcheck disable=SC2086 # a list of words
    java -Xms96m -Xmx384m $flags -cp "$libs/*" kafka.Kafka "$dir/$1/server.properties" </dev/null >>"$dir/$1/log" 2>&1 &
    echo $! >"$dir/$1/pid"
}

await() {
    until=$(($(date +%s) + 90))
    until grep -q "Kafka Server started" "$dir/$1/log"; do
        if ! kill -0 "$(cat "$dir/$1/pid")" 2>/dev/null || [ "$(date +%s)" -ge "$until" ]; then
            cat "$dir/$1/log" >&2
            exit 1
        fi
        sleep 0.05
    done
}

end() {
    pid=$(cat "$dir/$1/pid")
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
}

finish() {
    for node in $(seq "$nodes"); do
        [ ! -e "$dir/$node/pid" ] || end "$node"
    done
    rm -rf "$dir"
}

trap finish EXIT
node=0
for ports in "$@"; do
    node=$((node + 1))
    configure "$node" "$ports" &
done
wait
for node in $(seq "$nodes"); do launch "$node"; done
for node in $(seq "$nodes"); do await "$node"; done
echo ready
while read -r what node topic bytes; do
    case $what in
        kill) end "$node" ;;
        start) launch "$node"; await "$node" ;;
        cut)
            for partition in "$dir/$node/data/$topic"-*; do
                last=$(ls "$partition"/*.log | tail -n 1)
                truncate -s "-$bytes" "$last"
            done
            ;;
    esac
    echo "$what"
done
