/**
 * A server that speaks as the command center does, for what a real one cannot be made to do on command: break the
 * stream, stop the clock, let two people acknowledge at once. It serves the built page under the strict policy too.
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { analysisOf, assigns } from "./analysis.mjs";
import { deskDoes, deskOf, openDataOf } from "./appeals.mjs";
import { dutyDoes, dutyOf } from "./duty.mjs";
import { cellsOf, perceivedAreas, perceivedBy, planned, plans, roadsOf } from "./perceive.mjs";
import { superviseDoes, superviseOf } from "./supervise.mjs";
import { detailOf, DOMAINS, makeCity, makeIncident, neighbours, refresh, seriesOf, SEVERITIES, statesOf, unknownSensors } from "./city.mjs";

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2" };
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/** Events kept for those who come back. */
const RING = 500;

export class Fixture {
  constructor({ now = Date.now(), ...size } = {}) {
    this.city = makeCity({ now, ...size });
    this.offset = now - Date.now();
    this.frozen = null;
    /** No reading comes: what a test counts is what the page was told. */
    this.still = false;
    this.changed = 0;
    this.unknown = unknownSensors(now);
    this.refusing = false;
    this.sessions = true;
    this.roles = ["operator", "dispatcher"];
    this.duty = { notices: [], storms: [], chains: [], contacts: [], overrides: [], handovers: [], subscriptions: [], deliveries: [] };
    /** Of serve; null where a test has none of it. */
    this.desk = null;
    this.supervise = null;
    this.notices = [];
    this.maintenance = [];
    /** As the API has it, and where its tiles are asked for. */
    this.basemap = null;
    this.ring = [];
    this.lastId = 0;
    this.accepted = 1_000_000;
    this.snapshots = 0;
    this.versions = [];
    this.streams = new Set();
    this.server = createServer((request, response) => this.answer(request, response));
  }

  async start(port = 0) {
    await new Promise((resolve) => this.server.listen(port, "127.0.0.1", resolve));
    this.timer = setInterval(() => this.beat(), 1000);
    return `http://127.0.0.1:${this.server.address().port}`;
  }

  stop() {
    clearInterval(this.timer);
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  now() {
    return this.frozen ?? Date.now() + this.offset;
  }

  /** The time of a change: no two have the same, so that their order is that in which they were made. */
  moment() {
    this.changed = Math.max(this.now(), this.changed + 1);
    return this.changed;
  }

  // What tests do to the city.

  freeze() {
    this.frozen = this.now();
  }

  thaw() {
    this.frozen = null;
  }

  /** Ends all streams; while `refusing`, new requests of any kind are cut too. */
  cut(refusing) {
    this.refusing = refusing;
    for (const stream of this.streams) stream.destroy();
  }

  open(severity) {
    const incident = makeIncident({ ...this.city, openedAt: this.moment(), severity });
    this.city.incidents.push(incident);
    this.send("incident", incident);
    return incident;
  }

  change(incident, change) {
    Object.assign(incident, { revision: incident.revision + 1, changed_at: this.moment() }, change);
    this.send("incident", incident);
  }

  // The stream.

  beat() {
    this.send("clock", { now_at: this.now() });
    if (this.frozen !== null) return;
    this.accepted += 37;
    this.send("overview", this.overview());
    if (this.still) return;
    const changed = [];
    for (let at = 0; at < 40; at += 1) {
      const sensor = this.city.sensors[Math.floor(this.city.draw() * this.city.sensors.length)];
      if (sensor.state !== "online") continue;
      refresh(sensor, this.now());
      changed.push({ id: sensor.id, state: sensor.state, last: sensor.last });
    }
    this.send("values", { time: this.now(), sensors: changed });
  }

  send(type, body) {
    const event = { id: ++this.lastId, text: `id: ${this.lastId}\nevent: ${type}\ndata: ${JSON.stringify(body)}\n\n` };
    this.ring.push(event);
    if (this.ring.length > RING) this.ring.shift();
    for (const stream of this.streams) stream.write(event.text);
  }

  live(request, response) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    const last = Number(request.headers["last-event-id"] ?? NaN);
    if (last >= (this.ring[0]?.id ?? Infinity) - 1 && last <= this.lastId) {
      response.write(": going on\n\n");
      for (const event of this.ring) if (event.id > last) response.write(event.text);
    } else {
      this.snapshots += 1;
      const incidents = this.city.incidents.filter((one) => one.state === "open").sort((a, b) => b.changed_at - a.changed_at);
      const body = { now_at: this.now(), overview: this.overview(), incidents: incidents.slice(0, 150), more: incidents.length > 150 };
      response.write(`id: ${this.lastId}\nevent: snapshot\ndata: ${JSON.stringify(body)}\n\n`);
    }
    this.streams.add(response);
    response.on("close", () => this.streams.delete(response));
  }

  overview() {
    const { incidents, sensors } = this.city;
    const open = incidents.filter((one) => one.state === "open");
    const tally = (words, of) => Object.fromEntries(words.map((word) => [word, of.filter((one) => Object.values(one).includes(word)).length]));
    const states = (state) => sensors.filter((one) => one.state === state).length;
    return {
      now_at: this.now(),
      open: { total: open.length, by_domain: tally(DOMAINS, open), by_severity: tally(SEVERITIES, open) },
      unacknowledged: open.filter((one) => one.acknowledged === null).length,
      sensors: { total: sensors.length, online: states("online"), silent: states("silent"), stuck: states("stuck"), never: states("never") },
      unknown_sensors: this.unknown.length,
      feed: { accepted: this.accepted, refused: 12, lag_ms: 180 },
    };
  }

  // Requests.

  async answer(request, response) {
    if (this.refusing) return request.socket.destroy();
    response.setHeader("content-security-policy", this.basemap ? POLICY.replace("connect-src 'self'", `connect-src 'self' ${new URL(this.basemap.tiles).origin}`) : POLICY);
    response.setHeader("x-content-type-options", "nosniff");
    const url = new URL(request.url, "http://fixture");
    const open = url.pathname.startsWith("/open-data/") && openDataOf(this.city, this.now(), url.pathname.slice(11));
    if (open) return json(response, 200, open);
    if (!url.pathname.startsWith("/api/")) return this.file(url.pathname, response);
    if (url.pathname === "/api/v1/sign-in/ways") return json(response, 200, { oidc: { zh: "统一身份认证", en: "City account" } });
    if (!this.sessions) return problem(response, 401, "no session");
    const path = url.pathname.slice("/api/v1".length).split("/").slice(1).map(decodeURIComponent);
    if (path[0] === "live") return this.live(request, response);
    if (request.method === "POST") return this.post(path, request, response);
    const body = superviseOf(this.supervise, path, url.searchParams) ?? this.get(path, url.searchParams);
    if (body === undefined) return problem(response, 404, "not found");
    json(response, 200, body);
  }

  get([first, id, third], asked) {
    const { city } = this;
    const served = this.desk ? deskOf(this.desk, [first, id, third], asked) : undefined;
    if (served !== undefined) return served;
    switch (first) {
      case "session":
        return { name: "admin", role: "operator", roles: this.roles, areas: [], unit: null, expires_at: this.now() + 3_600_000 };
      case "overview":
        return this.overview();
      case "areas":
        if (id === "now") return statesOf(city, this.now(), asked.get("level"));
        return { items: asked.get("level") === "district" ? city.districts.map((one) => one.properties) : perceivedAreas(this) };
      case "areas.geojson":
        return { type: "FeatureCollection", schematic: true, features: { district: city.districts, cell: [] }[asked.get("level")] ?? city.subdistricts };
      case "basemap":
        return { basemap: this.basemap };
      case "unknown-sensors":
        return { ...this.pageOf(this.unknown, asked), forgotten: 3 };
      case "map":
        return Object.fromEntries(["ids", "lon", "lat", "domain", "state"].map((name) => [name, city.sensors.map((one) => one[name === "ids" ? "id" : name])]));
      case "incidents": {
        if (id === undefined) return this.pageOf(city.incidents.filter((one) => matches(one, asked)).sort((a, b) => b.changed_at - a.changed_at), asked);
        const incident = city.incidents.find((one) => one.id === id);
        return incident && detailOf(city, incident);
      }
      case "cases":
        return id === undefined ? { items: [], next: null } : undefined;
      case "analyze":
      case "series":
        return analysisOf(city, [first, id, third], asked, this.now());
      case "cells":
        return cellsOf(city, asked);
      case "roads":
        return roadsOf(city, this.now(), asked);
      case "feeds":
        return perceivedBy(this, asked.get("area"));
      case "maintenance":
        return planned(this, asked.get("over") === "true");
      case "asides":
      case "classes":
      case "units":
      case "deliberations":
      case "mediations":
      case "public-notices":
        return { items: [] };
      case "public":
        return id === "notices" ? { items: this.notices } : undefined;
      case "rules":
        return id === "versions" ? { items: this.versions } : undefined;
      case "sensors": {
        if (id === undefined) return this.pageOf(city.sensors.filter((one) => matches(one, asked)), asked);
        const sensor = city.sensors.find((one) => one.id === id);
        if (!sensor) return undefined;
        if (third === "forecast") return { items: [] };
        if (third === "series") {
          const to = Number(asked.get("to") ?? this.now());
          return seriesOf(city, sensor, asked.get("metric"), Number(asked.get("from") ?? to - 86_400_000), to, Number(asked.get("points") ?? 300));
        }
        return { ...sensor, open_incidents: city.incidents.filter((one) => one.key === id && one.state === "open"), neighbours: neighbours(city, sensor), coverage: { class: "partial", reporting: 8, silent: 2, since: this.now() } };
      }
      default:
        return dutyOf(this.duty, [first, id, third], asked);
    }
  }

  pageOf(rows, asked) {
    const [from, limit] = [Number(asked.get("cursor") ?? 0), Number(asked.get("limit") ?? 100)];
    return { items: rows.slice(from, from + limit), next: from + limit < rows.length ? String(from + limit) : null };
  }

  async post([first, id, act], request, response) {
    if (first === "sign-out") {
      this.sessions = false;
      return response.writeHead(204).end();
    }
    if (first !== "incidents") {
      let said = "";
      for await (const piece of request) said += piece;
      const served = this.desk ? deskDoes(this.desk, [first, id, act], said, this.now()) : undefined;
      if (served !== undefined) return json(response, 200, served);
      const body = JSON.parse(said);
      const done = first === "maintenance" ? plans(this, id, body) : (dutyDoes(this.duty, [first, id, act], body, this.now()) ?? superviseDoes(this.supervise, [first, id, act], body));
      return done === undefined ? problem(response, 404, "not found") : json(response, 200, done);
    }
    const incident = this.city.incidents.find((one) => one.id === id);
    if (act === "assign" && incident) return json(response, 200, await assigns(this, incident, request));
    if (act !== "acknowledge" || !incident) return problem(response, 404, "not found");
    const tag = request.headers["if-match"];
    if (!tag) return problem(response, 428, "say which state you saw: If-Match");
    if (incident.acknowledged) return problem(response, 409, "already acknowledged");
    if (tag !== tagOf(detailOf(this.city, incident))) return problem(response, 412, "changed since");
    let text = "";
    for await (const piece of request) text += piece;
    incident.acknowledged = { by: "admin", at: this.now(), note: JSON.parse(text).note };
    this.send("incident", incident);
    json(response, 200, incident);
  }

  async file(path, response) {
    // As the program: files stand in assets/ or at the top; all else is the page's own, dots or not.
    const name = path.startsWith("/assets/") || /^\/[^/]*\./.test(path) ? normalize(path) : "/index.html";
    try {
      const body = await readFile(join(DIST, name));
      response.writeHead(200, { "content-type": TYPES[extname(name)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  }
}

function matches(one, asked) {
  const is = (name, value) => !asked.get(name) || asked.get(name) === "all" || asked.get(name) === value;
  const area = asked.get("area");
  const q = asked.get("q");
  if (asked.get("out_of_range") && !one.out_of_range_at) return false;
  return is("state", one.state) && is("domain", one.domain) && is("severity", one.severity) && (!area || one.district === area || one.subdistrict === area) && (!q || one.id.includes(q));
}

function tagOf(body) {
  return `"${createHash("sha256").update(JSON.stringify(body)).digest("hex").slice(0, 24)}"`;
}

function json(response, status, body) {
  response.writeHead(status, { "content-type": "application/json", etag: tagOf(body) }).end(JSON.stringify(body));
}

function problem(response, status, detail) {
  response.writeHead(status, { "content-type": "application/problem+json" }).end(JSON.stringify({ type: "about:blank", title: detail, status, detail }));
}
