#!/usr/bin/env python3
"""The table and the charts of docs/real-data.md, from backtests of the rule packs over recorded cities.

    cargo build --release && docs/real-data/make.py

It runs `citywatch rules backtest` over each set, draws how many incidents of each rule were open at a time, and replaces
the tables between the marks of docs/real-data.md. The sets are looked for as in the tests: CITYWATCH_DATA, else
shared/data beside the project. Nothing but Python's own library is needed.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/real-data.md"
CHARTS = ROOT / "docs/real-data"
DATA = Path(os.environ.get("CITYWATCH_DATA", ROOT.parent / "shared/data"))
# Folder, pack, and what the page calls it.
SETS = [
    ("beijing_aq", "air", "Beijing air, 6 stations"),
    ("jakarta_drainage", "drainage", "Jakarta, 3 river gauges"),
    ("edinburgh_bins", "waste", "Edinburgh, 334 bins"),
    ("wyndham_bins", "waste", "Wyndham, 23 bins"),
    ("metr_la", "traffic", "Los Angeles, 207 detectors"),
    ("metro_i94", "traffic", "I-94, one counter"),
    ("nab", "traffic", "Twin Cities (NAB), 3 series"),
]
FIGURES = "<!-- figures: make.py -->", "<!-- end of figures -->"
OWN_PAST = "<!-- own past: make.py -->", "<!-- end of own past -->"

# A chart: so many steps of time, each as wide as a unit; the heights of a rule's panel and of what is around.
STEPS, LEFT, PANEL, GAP, TOP, BOTTOM = 620, 180, 46, 10, 40, 24
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .small { font-size: 10px; fill: #57606a; }
  .label { fill: #bf8700; fill-opacity: .28; }
  .open { fill: #0969da; }
  .axis { stroke: #8c959f; stroke-width: .6; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9198a1; }
    .label { fill: #d29922; fill-opacity: .35; }
    .open { fill: #4493f8; }
  }
"""


def backtest(folder, rules):
    """The report, and the spans (rule, key, opened, ended or None) of all incidents, in seconds."""
    with tempfile.TemporaryDirectory() as temp:
        found = Path(temp) / "incidents.ndjson"
        command = [ROOT / "target/release/citywatch", "rules", "backtest", rules]
        command += ["--data", folder / "readings.csv", "--sensors", folder / "sensors.csv"]
        command += ["--incidents", found, "--format", "json"]
        if (folder / "labels.csv").exists():
            command += ["--labels", folder / "labels.csv"]
        report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        spans = {}
        for line in found.read_text().splitlines():
            step = json.loads(line)
            ended = step["time"] / 1000 if step["transition"] == "cleared" else None
            spans[step["id"]] = (step["rule"], step["key"], step["opened_at"] / 1000, ended)
    return report, list(spans.values())


def seconds(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def at(instant):
    return instant / 1000 if isinstance(instant, (int, float)) else seconds(instant)


def chart(title, report, spans, labels):
    """How many incidents of each rule were open, the most at once in each step, over the labelled events."""
    first, last = at(report["seen"]["first"]), at(report["seen"]["last"])
    step_of = lambda time: min(STEPS - 1, max(0, int((time - first) / (last - first) * STEPS)))
    rules = sorted({rule for rule, _, _, _ in spans})
    height = TOP + len(rules) * (PANEL + GAP) + BOTTOM
    width = LEFT + STEPS + 16
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img">']
    out += [f"<title>{escape(title)}: open incidents of each rule over time</title>", f"<style>{STYLE}</style>"]
    key = "; behind, the labelled events" if labels else ""
    out.append(f'<text x="4" y="16">{escape(title)}</text>')
    out.append(f'<text x="4" y="31" class="small">incidents open at once, by rule{key}</text>')
    foot = height - BOTTOM
    for left, right in bands((step_of(begin), step_of(end) + 1) for begin, end in labels):
        out.append(f'<rect class="label" x="{LEFT + left}" y="{TOP}" width="{right - left}" height="{foot - TOP - GAP}"/>')
    for place, rule in enumerate(rules):
        base = TOP + place * (PANEL + GAP) + PANEL
        most = peaks([(opened, ended) for name, _, opened, ended in spans if name == rule], step_of, last)
        top = max(most)
        count = sum(1 for name, _, _, _ in spans if name == rule)
        out.append(f'<text x="4" y="{base - PANEL // 2}">{escape(rule)}</text>')
        out.append(f'<text x="4" y="{base - PANEL // 2 + 13}" class="small">{count} incidents, at most {top} at once</text>')
        path, before = f"M{LEFT} {base}", 0
        for step, value in enumerate(most):
            if value != before:
                path += f"H{LEFT + step}V{base - value / top * (PANEL - 6):.1f}"
                before = value
        out.append(f'<path class="open" d="{path}H{LEFT + STEPS}V{base}Z"/>')
        out.append(f'<line class="axis" x1="{LEFT}" y1="{base}" x2="{LEFT + STEPS}" y2="{base}"/>')
    for share in range(5):
        day = datetime.fromtimestamp(first + (last - first) * share / 4, timezone.utc).strftime("%Y-%m-%d")
        anchor = "start" if share == 0 else "end" if share == 4 else "middle"
        out.append(f'<text class="small" x="{LEFT + STEPS * share / 4:.0f}" y="{height - 8}" text-anchor="{anchor}">{day}</text>')
    return "\n".join(out + ["</svg>\n"])


def bands(spans):
    """Spans of steps, joined where they touch."""
    joined = []
    for left, right in sorted(spans):
        if joined and left <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(right, joined[-1][1]))
        else:
            joined.append((left, right))
    return joined


def peaks(spans, step_of, last):
    """The largest number of spans open at once in each step."""
    edges = sorted([(opened, 1) for opened, _ in spans] + [(ended, -1) for _, ended in spans if ended is not None])
    most, now, step = [0] * STEPS, 0, 0
    for time, change in edges + [(last, 0)]:
        here = step_of(time)
        for between in range(step, here + 1):
            most[between] = max(most[between], now)
        now, step = now + change, here
        most[here] = max(most[here], now)
    return most


def score(score):
    if not score or score["share"] is None:
        return "–"
    # What is not all must not be rounded to all.
    percent = [f"{100 * score[name]:.{int(0.995 <= score[name] < 1)}f}" for name in ("share", "low", "high")]
    return f"{score['hits']:,}/{score['of']:,}, {percent[0]} % ({percent[1]}–{percent[2]})"


def delay(scores):
    if not scores or not scores["delay"]:
        return "–"
    minutes = scores["delay"]["median_s"] / 60
    text = f"{minutes / 60:.0f} h" if abs(minutes) >= 120 or minutes == 0 else f"{minutes:.0f} min"
    return text.replace("-", "−")


# How the page calls the rules of docs/real-data/own-past.yaml, and the series that each metric of them is.
PAST = {"plain": "plain: `robust_z(m, '2d')` beyond 3.5", "robust5": "`robust_z(m, '2d')` beyond 5",
        "robust15": "the same beyond 15", "seasonal8": "`seasonal_z(m, '56d')` beyond 8", "seasonal20": "the same beyond 20"}
SERIES = {"occupancy": "occupancy_6005", "speed": "speed_6005", "time": "TravelTime_387"}


def own_past():
    """A row a rule: on each series incidents, those that touch a label, labels noticed; then all together."""
    _, spans = backtest(DATA / "nab", CHARTS / "own-past.yaml")
    labels, times = {name: [] for name in SERIES}, {name: [] for name in SERIES.values()}
    for row in csv.DictReader((DATA / "nab/labels.csv").open(newline="")):
        for name in (name for name, sensor in SERIES.items() if sensor == row["key"]):
            labels[name].append((seconds(row["start"]), seconds(row["end"])))
    for row in csv.DictReader((DATA / "nab/readings.csv").open(newline="")):
        if row["sensor"] in times:
            times[row["sensor"]].append(seconds(row["time"]))
    weeks = sum((max(of) - min(of)) / (7 * 86400) for of in times.values())
    yield "| rule | occupancy | speed | travel time | a week of a series | recall | precision | median delay |"
    yield "|---|---|---|---|---|---|---|---|"
    for rule, title in PAST.items():
        cells, right, late, count = [], 0, [], 0
        for name, of in labels.items():
            found = sorted((opened, ended or float("inf")) for which, _, opened, ended in spans if which == f"{rule}.{name}")
            touch = [[opened - start for opened, ended in found if opened <= end and ended >= start] for start, end in of]
            fit = sum(any(opened <= end and ended >= start for start, end in of) for opened, ended in found)
            cells.append(f"{len(found)}, {fit}, {sum(map(bool, touch))} of {len(of)}")
            right, late, count = right + fit, late + [delays[0] for delays in touch if delays], count + len(found)
        median = {"delay": {"median_s": sorted(late)[(len(late) - 1) // 2]}} if late else None
        cells += [f"{count / weeks:.1f}", score(wilson(len(late), sum(map(len, labels.values()))))]
        yield f"| {title} | " + " | ".join(cells + [score(wilson(right, count)), delay(median)]) + " |"


def wilson(hits, of):
    """A share with its 95 % Wilson interval, as the backtest gives it."""
    if of == 0:
        return None
    z, share = 1.959964, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * (share * (1 - share) / of + z * z / (4 * of * of)) ** 0.5
    return {"hits": hits, "of": of, "share": share, "low": max(0, middle - half), "high": min(1, middle + half)}


def rows(title, report, measured):
    """The rules that found something; scores only of those that are about what the labels are."""
    name = f"{title}, {report['days']:.1f} days"
    for rule in report["rules"]:
        if rule["incidents"] == 0:
            continue
        scores = rule["scores"] if rule["rule"] in measured else None
        fit = [score(scores and scores[part]) for part in ("recall", "precision")]
        cells = [name, f"{rule['incidents']:,}", f"{rule['per_week']:.2f}", *fit, delay(scores), str(rule["flapping"])]
        yield "| " + " | ".join([cells[0], rule["rule"], *cells[1:]]) + " |"
        name = ""
    if name:
        yield f"| {name} | none of them | 0 | 0.00 | – | – | – | – |"


# The rules that are about what a set's labels are; scores of the others mean nothing.
MEASURED = {"air.pm25", "air.city-episode", "drainage.river-level", "drainage.river-rising", "waste.bin-full",
            "traffic.travel-time", "traffic.travel-time-unusual", "traffic.travel-time-for-hour"}


def main():
    if not DATA.is_dir():
        sys.exit(f"there is no {DATA}: set CITYWATCH_DATA")
    table = ["| set, span | rule | incidents | a week | recall | precision | median delay | again within 1 h |",
             "|---|---|---|---|---|---|---|---|"]
    for name, pack, title in SETS:
        folder = DATA / name
        report, spans = backtest(folder, ROOT / f"rules/packs/{pack}.yaml")
        table += rows(title, report, MEASURED)
        labels = []
        if (folder / "labels.csv").exists():
            with open(folder / "labels.csv", newline="") as file:
                labels = [(seconds(row["start"]), seconds(row["end"])) for row in csv.DictReader(file)
                          if row["domain"] == pack]
        if spans:
            (CHARTS / f"{name}.svg").write_text(chart(title, report, spans, labels))
    page = PAGE.read_text()
    for (begin, end), lines in [(FIGURES, table), (OWN_PAST, own_past())]:
        before, rest = page.split(begin)
        page = before + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end)[1]
    PAGE.write_text(page)


main()
