#!/usr/bin/env python3
"""run.py SET ROUNDS ENGINE...   the peers' job on citywatch and on its peers, in turn, one round of each after the other

SET is `small` or `full`. PEERS names the folder of the peers' job, built and with its broker running: its bench.py does
the measuring of the peers and lists the engines; `citywatch` is added here. Each run prints a JSON line, and the medians
come last. README.md says what is the same for all of them and what is not.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
CITYWATCH = os.environ.get("CITYWATCH", f"{HERE}/../../target/release/citywatch")
PEERS = os.environ.get("PEERS") or sys.exit("PEERS: name the folder of the peers' job")
sys.path.insert(0, PEERS)

import bench  # noqa: E402  it is the peers' own, in the folder just named
from confluent_kafka import Consumer, TopicPartition  # noqa: E402

PREFIX = "peers."
PARTITIONS = 16
# Where the rules say what they find; the topics of the utilities are made of it by another process.
OUTPUT = f"{PREFIX}analyze"
WORK = f"{PEERS}/data/citywatch"


def config(name, which):
    """Writes the configuration of one process, with an empty data directory; returns its path."""
    folder = f"{WORK}/{name}"
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with open(f"{folder}/city.toml", "w") as f:
        f.write(
            f'prefix = "{PREFIX}"\ndata_dir = "data"\ntime.source = "feed"\nmqtt.listen = "127.0.0.1:0"\nhttp.listen = "127.0.0.1:0"\n'
            f'log.kafka = "kafka://{bench.BOOT}?replication=1"\n'
            f'registry.paths = ["{PEERS}/data/{which}.sensors.csv"]\nrules.paths = ["{HERE}/rules.yaml"]\n'
        )
    return f"{folder}/city.toml"


def sensors(which):
    """The registry of the generator's sensors, as their readings name them."""
    path = f"{PEERS}/data/{which}.sensors.csv"
    if os.path.exists(path):
        return
    cells = {}
    with open(f"{PEERS}/data/{which}.ndjson") as lines:
        for line in lines:
            parts = line.split('"', 8)
            cells.setdefault(parts[3], parts[7])
    with open(path, "w") as f:
        f.write("sensor,domain,lon,lat,datum,interval_s,subdistrict,cell\n")
        for sensor, cell in cells.items():
            f.write(f"{sensor},drainage,116.4,39.9,WGS84,60,{sensor[:9]},{cell}\n")


def delete(matches):
    names = [name for name in bench.topics() if matches(name)]
    if names:
        for done in bench.admin.delete_topics(names, operation_timeout=30).values():
            done.result()
        while any(name in bench.topics() for name in names):
            time.sleep(0.1)


def run(role, path, **streams):
    return subprocess.Popen([CITYWATCH, "run", "--config", path, "--role", role], **streams)


def told(process, beginning):
    """The line that begins so, of what a process prints."""
    for line in process.stdout:
        if line.startswith(beginning):
            return line
    sys.exit(f"citywatch ended before it said {beginning!r}")


def stop(process):
    process.terminate()
    if process.wait() != 0:
        sys.exit(f"citywatch stopped with {process.returncode}")


def load(which):
    """Puts the readings on the log as a city does: by MQTT, through the role that takes them in."""
    marker = f"{WORK}/loaded"
    if os.path.exists(marker) and open(marker).read() == which and f"{PREFIX}observations" in bench.topics():
        return
    sensors(which)
    delete(lambda name: name.startswith(PREFIX))
    # Rules are in force from where their process first looked on: it is started once before there are readings.
    first = run("stream", config("rules", which), stdout=subprocess.PIPE, text=True)
    told(first, "runs: stream")
    stop(first)
    edge = run("ingest", config("edge", which), stdout=subprocess.PIPE, text=True)
    address = told(edge, "mqtt endpoint on ").split()[-1]
    replay = [CITYWATCH, "replay", f"{PEERS}/data/{which}.ndjson", "--sensors", f"{PEERS}/data/{which}.sensors.csv",
              "--broker", f"mqtt://{address}"]
    subprocess.run(replay, check=True, stderr=subprocess.DEVNULL)
    stop(edge)
    with open(marker, "w") as f:
        f.write(which)


def entry(transition):
    """An opening or a clearing as the job writes it; nothing for other steps of an incident."""
    if transition["transition"] not in ("opened", "cleared"):
        return None
    told = {key: transition[key] for key in ("rule", "key")}
    return json.dumps(told | {"state": transition["transition"], "time": transition["time"]}, separators=(",", ":"))


def drain(which):
    """One run, measured as bench.py measures the others: from the start of the process to the last incident expected."""
    load(which)
    delete(lambda name: name.startswith(PREFIX) and not name.startswith((f"{PREFIX}observations", f"{PREFIX}config")))
    expected = set(open(f"{PEERS}/data/{which}.expected").read().split("\n")) - {""}
    path = config("rules", which)
    before, broker, load_average = bench.busy()[0], bench.broker_cpu(), os.getloadavg()[0]
    own = time.process_time()
    log = open(f"{PEERS}/logs/citywatch.log", "w")
    began = time.time()
    process = run("stream", path, stdout=log, stderr=log)
    while OUTPUT not in bench.topics():
        time.sleep(0.01)
    consumer = Consumer({"bootstrap.servers": bench.BOOT, "group.id": uuid.uuid4().hex, "fetch.wait.max.ms": 20})
    consumer.assign([TopicPartition(OUTPUT, partition, 0) for partition in range(PARTITIONS)])
    seen, doubled, done, peak, note = set(), 0, None, {}, ""
    while done is None or time.time() < done[0] + 2:
        for message in consumer.consume(500, 0.03):
            told = None if message.error() else entry(json.loads(message.value()))
            if told is None:
                continue
            doubled += told in seen
            seen.add(told)
            if done is None and expected <= seen:
                done = time.time(), bench.cpu([process.pid], {}), bench.busy()[0], bench.broker_cpu(), time.process_time()
        bench.rss([process.pid], peak)
        if process.poll() is not None or time.time() > began + 600:
            note = f"ended with {process.returncode}" if process.poll() is not None else "not done after 600 s"
            done = done or (time.time(), 0.0, bench.busy()[0], bench.broker_cpu(), time.process_time())
            break
    consumer.close()
    process.terminate()
    process.wait()
    wall, cpu, total = done[0] - began, done[1], bench.SIZES[which]
    foreign = done[2] - before - cpu - (done[3] - broker) - (done[4] - own)
    result = {
        "engine": "citywatch", "set": which, "wall_s": round(wall, 2), "rps": round(total / wall),
        "cpu_s": round(cpu, 2), "cpu_us": round(cpu / total * 1e6, 3), "rss_mb": round(sum(peak.values())),
        "missing": len(expected - seen), "extra": len(seen - expected), "dup": doubled,
        "load1": [round(load_average, 2), round(os.getloadavg()[0], 2)], "broker_cpu_s": round(done[3] - broker, 2),
        "foreign_cores": round(foreign / wall, 2), "note": note,
    }
    print(json.dumps(result), flush=True)
    return result


def main():
    which, rounds, engines = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    os.makedirs(WORK, exist_ok=True)
    results = {engine: [] for engine in engines}
    for _ in range(rounds):
        for engine in engines:
            results[engine].append(drain(which) if engine == "citywatch" else bench.drain(engine, which))
    print(f"\n{'engine':<18}{'wall s':>8}{'readings/s':>12}{'CPU µs':>9}{'RSS MB':>8}{'broker s':>10}  {'wrong':>5}")
    for engine, runs in results.items():
        middle = lambda key: statistics.median(one[key] for one in runs)  # noqa: E731
        wrong = sum((one["missing"] or 0) + (one["extra"] or 0) for one in runs)
        print(f"{engine:<18}{middle('wall_s'):>8.1f}{middle('rps'):>12,.0f}{middle('cpu_us'):>9.2f}"
              f"{middle('rss_mb'):>8.0f}{middle('broker_cpu_s'):>10.1f}  {wrong:>5}")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main()
