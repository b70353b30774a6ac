/** Made-up sensors, incidents and readings in the seeded areas, for the tests of the page. Deterministic. */
import { readFileSync } from "node:fs";


/** Mulberry32: small, seeded, good enough to scatter sensors. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const SEEDS = new URL("../../../seeds/areas/areas.geojson", import.meta.url);
/** Of each subdistrict. */
export const CELLS = 12;

function inside(polygon, [x, y]) {
  let within = false;
  for (let at = 0, before = polygon.length - 1; at < polygon.length; before = at, at += 1) {
    const [[ax, ay], [bx, by]] = [polygon[at], polygon[before]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) within = !within;
  }
  return within;
}

/** The outer ring; of several polygons the first will do. */
function ringOf({ type, coordinates }) {
  return type === "Polygon" ? coordinates[0] : coordinates[0][0];
}

function areas() {
  const { features } = JSON.parse(readFileSync(SEEDS, "utf8"));
  for (const { properties } of features) {
    properties.parent = { city: null, district: "110000", subdistrict: properties.code.slice(0, 6) }[properties.level];
  }
  const level = (word) => features.filter((one) => one.properties.level === word);
  return { districts: level("district"), subdistricts: level("subdistrict") };
}

export const DOMAINS = ["drainage", "waste", "traffic", "air"];

export const METRICS = {
  drainage: [["level_m", "m", 0.6, 0.35], ["flow_m3s", "m3/s", 0.3, 0.2]],
  waste: [["fill_ratio", "1", 0.5, 0.4]],
  traffic: [["speed_kmh", "km/h", 42, 18], ["occupancy_ratio", "1", 0.2, 0.12]],
  air: [["pm2_5_ugm3", "ug/m3", 60, 45], ["o3_ugm3", "ug/m3", 80, 50]],
};

const RULES = {
  drainage: [["drainage.ponding", "路面积水", "Ponding on the road", 0.9], ["drainage.surcharge", "管网超载", "Sewer surcharged", 1.1]],
  waste: [["waste.overflow", "垃圾桶满溢", "Bin overflowing", 0.95]],
  traffic: [["traffic.congestion", "道路拥堵", "Road congested", 18]],
  air: [["air.smog", "重污染过程", "Smog episode", 150]],
};

export const SEVERITIES = ["minor", "moderate", "severe", "extreme"];

export function reading([, , middle, swing], time, phase) {
  const day = (2 * Math.PI * time) / 86_400_000;
  const wave = Math.sin(day + phase) * 0.6 + Math.sin(9 * day + 3 * phase) * 0.2 + Math.sin(67 * day + phase) * 0.12;
  return Math.max(0, middle + swing * wave);
}

export function makeCity({ sensors: wanted = 2000, open = 200, cleared = 40, now }) {
  const { districts, subdistricts } = areas();
  const draw = random(11);
  const sensors = [];
  while (sensors.length < wanted) {
    const spread = draw() < 0.7 ? 0.16 : 0.55;
    const angle = draw() * 2 * Math.PI;
    const reach = spread * Math.sqrt(-2 * Math.log(1 - draw() * 0.999));
    const [lon, lat] = [116.42 + reach * Math.cos(angle), 39.95 + 0.8 * reach * Math.sin(angle)];
    const subdistrict = subdistricts.find((one) => inside(ringOf(one.geometry), [lon, lat]));
    if (!subdistrict) continue;
    const domain = DOMAINS[Math.floor(draw() * 4)];
    const { code, parent } = subdistrict.properties;
    const chance = draw();
    const state = chance < 0.93 ? "online" : chance < 0.965 ? "silent" : chance < 0.985 ? "stuck" : "never";
    sensors.push({
      id: `${code}-${domain[0].toUpperCase()}${String(sensors.length).padStart(5, "0")}`,
      domain, lon, lat, datum_unknown: false, subdistrict: code, district: parent, cell: `${code}-${1 + (sensors.length % CELLS)}`,
      interval_ms: 300_000, in_service: true, attributes: { name: `Device ${sensors.length}`, name_zh: `${subdistrict.properties.name.zh}设备 ${sensors.length}`, kind: "made up" }, state, phase: draw() * 6,
      out_of_range_at: sensors.length % 61 === 7 ? now - 600_000 : null, heard_at: state === "never" ? null : state === "silent" ? now - 5_400_000 : now - Math.floor(draw() * 300_000), last: {},
    });
  }
  for (const sensor of sensors) refresh(sensor, sensor.heard_at);
  const incidents = [];
  for (let at = 0; at < open + cleared; at += 1) {
    const age = Math.floor(draw() ** 2 * 6 * 3_600_000) + 20_000;
    incidents.push(makeIncident({ sensors, subdistricts, draw, openedAt: now - age, cleared: at >= open, acknowledged: draw() < 0.35 }));
  }
  return { districts, subdistricts, sensors, incidents, draw };
}

export function refresh(sensor, time) {
  if (time === null) return;
  sensor.heard_at = time;
  for (const metric of METRICS[sensor.domain]) {
    sensor.last[metric[0]] = { value: Number(reading(metric, time, sensor.phase).toFixed(3)), time, unit: metric[1] };
  }
}

export function makeIncident({ sensors, subdistricts, draw, openedAt, cleared = false, acknowledged = false, severity }) {
  const sensor = sensors[Math.floor(draw() * sensors.length)];
  const rules = RULES[sensor.domain];
  const [rule, zh, en, threshold] = rules[Math.floor(draw() * rules.length)];
  const chance = draw();
  const how = severity ?? (chance < 0.42 ? "minor" : chance < 0.77 ? "moderate" : chance < 0.94 ? "severe" : "extreme");
  const changedAt = cleared ? openedAt + 15_000 : openedAt;
  const id = Array.from({ length: 32 }, (_, at) => (at === 12 ? "5" : Math.floor(draw() * 16).toString(16))).join("");
  const subdistrict = subdistricts.find((one) => one.properties.code === sensor.subdistrict);
  const [metric] = METRICS[sensor.domain];
  return {
    id: id.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"), rule, title: { zh, en }, key: sensor.id, key_kind: "sensor", domain: sensor.domain,
    severity: how, state: cleared ? "cleared" : "open", acknowledged: acknowledged ? { by: "admin", at: openedAt + 15_000, note: "已通知值班室" } : null,
    opened_at: openedAt, changed_at: changedAt, cleared_at: cleared ? changedAt : null, revision: cleared ? 2 : 1,
    message: `${metric[0]} ${(threshold * 1.08).toFixed(2)} (${threshold})`, stale: draw() < 0.03, place: { lon: sensor.lon, lat: sensor.lat },
    subdistrict: sensor.subdistrict, district: sensor.district, place_name: subdistrict.properties.name,
    inhibited: false, aside: null, assignee: null,
  };
}

/** An incident with all that its page shows. */
export function detailOf(city, incident) {
  const sensor = city.sensors.find((one) => one.id === incident.key);
  const [metric] = METRICS[incident.domain];
  const threshold = RULES[incident.domain].find((one) => one[0] === incident.rule)[3];
  const evidence = [0, 1, 2, 3].map((at) => ({
    sensor: sensor.id, metric: metric[0], time: incident.opened_at - at * 60_000, value: Number((threshold * (1.08 - at * 0.02)).toFixed(3)), partition: 3, offset: 88_120 - at,
  }));
  const step = { id: incident.id, rule: incident.rule, key: incident.key, domain: incident.domain, severity: incident.severity, opened_at: incident.opened_at };
  const transitions = [{ ...step, state: "open", transition: "opened", revision: 1, time: incident.opened_at, evidence, message: incident.message }];
  if (incident.revision > 1) transitions.push({ ...step, state: incident.state, transition: incident.state === "cleared" ? "cleared" : "escalated", revision: incident.revision, time: incident.changed_at, evidence: [] });
  const { acknowledged, given = [] } = incident;
  return {
    ...incident, transitions, acts: [...(acknowledged ? [{ act: "acknowledged", ...acknowledged }] : []), ...given],
    rule_text: `# A made-up rule of the tests.\nid: ${incident.rule}\ntitle: { zh: ${incident.title.zh}, en: ${incident.title.en} }\ndomain: ${incident.domain}\neach: sensor\nopen:\n  when: ${metric[0]} >= ${threshold}\n  for: 5m\nclear:\n  when: ${metric[0]} < ${(threshold * 0.85).toFixed(2)}\n  for: 10m\n`,
    charts: [{ sensor: sensor.id, metric: metric[0], unit: metric[1], threshold: [{ value: threshold, kind: "opens", severity: "moderate" }, { value: threshold * 0.85, kind: "clears", severity: null }] }],
    near: neighbours(city, sensor),
  };
}

export function neighbours(city, sensor) {
  const metres = (one) => 1000 * Math.hypot((one.lon - sensor.lon) * 85.4, (one.lat - sensor.lat) * 111.2);
  return city.sensors
    .filter((one) => one !== sensor && one.domain === sensor.domain)
    .map((one) => ({ id: one.id, distance_m: Math.round(metres(one)) }))
    .sort((a, b) => a.distance_m - b.distance_m)
    .slice(0, 5);
}

/** Readings of a sensor; around an open incident they climb over its threshold. One hole an afternoon. */
export function seriesOf(city, sensor, metric, from, to, points) {
  const row = METRICS[sensor.domain].find((one) => one[0] === metric) ?? METRICS[sensor.domain][0];
  const step = Math.max(300_000, Math.ceil((to - from) / points / 60_000) * 60_000);
  const incident = city.incidents.find((one) => one.key === sensor.id && METRICS[one.domain][0][0] === metric);
  const threshold = incident && RULES[incident.domain].find((one) => one[0] === incident.rule)[3];
  const rows = [];
  for (let time = Math.ceil(from / step) * step; time <= to && time <= (sensor.heard_at ?? 0); time += step) {
    if (Math.floor(time / 1_200_000) % 37 === 5) continue;
    let mean = reading(row, time, sensor.phase);
    if (incident) {
      const near = Math.min(1, Math.max(0, 1 + (time - incident.opened_at) / 3_600_000));
      const after = incident.cleared_at === null ? 1 : Math.min(1, Math.max(0, 1 - (time - incident.cleared_at) / 1_800_000));
      const pull = near * near * after;
      mean = mean * (1 - pull) + pull * (threshold * (threshold === 18 ? 0.7 : 1.12) + mean * 0.06);
    }
    rows.push([time, mean, mean * 0.94, mean * 1.06, Math.round(step / 60_000)]);
  }
  return { sensor: sensor.id, metric, unit: row[1], step_ms: step, points: rows };
}

/** Sensors that speak and are not registered, and one that is by now. */
export function unknownSensors(now) {
  const heard = { count: 3, first_at: now - 3_600_000, last_at: now - 60_000, removed: false, todo: "register" };
  return [
    { ...heard, id: "pump.7", topic: "city/drainage/pump.7", payload: '{"values":{"level_m":1.2}}', letter: "3/17" },
    { ...heard, id: "late-1", topic: "city/air/late-1", payload: '{"values":{"pm2_5_ugm3":80}}', letter: "9/2", todo: "retry" },
    { ...heard, id: "gone-1", topic: null, count: 0, payload: null, letter: null, removed: true },
  ];
}

/** How the areas of a level are: the same shape as `/areas/now`. The drainage sensors stand in for gauges on roads. */
export function statesOf(city, now, level) {
  const of = level === "subdistrict" ? level : "district";
  const parts = new Map(level === "city" ? [["110000", city.sensors]] : city[`${of}s`].map(({ properties: { code } }) => [code, city.sensors.filter((one) => one[of] === code)]));
  const held = (area) => city.subdistricts.filter(({ properties: { code, parent } }) => area === "110000" || code === area || parent === area).length;
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const items = [...parts].filter(([, sensors]) => sensors.length > 0).map(([code, sensors]) => {
    const values = (metric) => sensors.map((one) => one.last[metric]?.value).filter((value) => value !== undefined);
    const states = Object.fromEntries(["online", "silent", "stuck", "never"].map((state) => [state, sensors.filter((one) => one.state === state).length]));
    const air = ["o3_ugm3", "pm2_5_ugm3"].filter((metric) => values(metric).length > 0);
    const speeds = values("speed_kmh");
    const depths = values("level_m").map((level) => Math.max(0, level - 0.55));
    const fills = values("fill_ratio");
    const between = (low, high) => fills.filter((fill) => fill >= low && fill < high).length;
    const cells = new Map();
    for (const { cell, state } of sensors) cells.set(cell, cells.get(cell) === true || state === "online");
    const online = [...cells.values()].filter(Boolean).length;
    return {
      code, sensors: { total: sensors.length, ...states },
      cells: { watched: online, quiet: cells.size - online, bare: CELLS * held(code) - cells.size },
      air: air.map((metric) => ({ metric, mean: mean(values(metric)), sensors: values(metric).length, ended_at: now - (now % 3_600_000) })),
      traffic: speeds.length > 0 ? { delay_ratio: mean(speeds.map((speed) => Math.max(0, 1 - speed / 60))), detectors: speeds.length } : null,
      water: depths.length > 0 ? { depth_m: Math.max(...depths), gauges: depths.length } : null,
      bins: fills.length > 0 ? { room: between(0, 0.8), due: between(0.8, 0.95), urgent: between(0.95, 1), full: between(1, 9) } : null,
    };
  });
  return { now_at: now, items };
}
