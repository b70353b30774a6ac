/**
 * What a utility does in the first five minutes, against the real program: `node e2e/utility.mjs`. It is given a token,
 * follows its incidents by server-sent events and by MQTT, is told what is open and then every change, and writes back
 * on a case while the operator looks on. Starts `citywatch demo` (CITYWATCH names the binary) in a folder of its own.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open, PATIENCE_MS } from "./browser.mjs";
import { dispatchesIt, makesACase, picture } from "./command.mjs";
import { BINARY, inDemo, step } from "./demo.mjs";
import { device, listener } from "./mqtt.mjs";
import { seesTheCity } from "./steps.mjs";

const FOLLOWS = ["feed:read", "incidents:read"];
const HANDLES = ["cases:read", "cases:handle"];

/** A token that an administrator makes; it is told once. */
function tokenOf(folder, name, scopes, unit) {
  const words = ["tokens", "add", name, ...scopes.flatMap((scope) => ["--scope", scope]), ...(unit ? ["--unit", unit] : []), "--data-dir", folder];
  return execFileSync(BINARY, words, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim().split(/\s+/).at(-1);
}

/** Asks until something is so. */
async function becomes(what, probe, patience = PATIENCE_MS) {
  const deadline = Date.now() + patience;
  for (;;) {
    const found = await probe();
    if (found) return found;
    assert.ok(Date.now() < deadline, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Follows the feed of a domain; what it was told by the incident's id, and in which order. */
async function follows(origin, domain, token) {
  const stop = new AbortController();
  const answer = await fetch(`${origin}/api/v1/feed/${domain}`, { headers: { authorization: `Bearer ${token}` }, signal: stop.signal });
  assert.equal(answer.status, 200);
  const told = { snapshot: null, messages: [], stop: () => stop.abort() };
  const read = async () => {
    let text = "";
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) {
      text += piece;
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const lines = text.slice(0, end).split("\n");
        text = text.slice(end + 2);
        const of = (field) => lines.filter((line) => line.startsWith(`${field}:`)).map((line) => line.slice(field.length + 1).trimStart());
        const [kind] = of("event");
        const data = of("data").join("\n");
        if (kind === "snapshot") told.snapshot = JSON.parse(data);
        if (kind === "message") told.messages.push(JSON.parse(data));
      }
    }
  };
  read().catch((error) => error.name === "AbortError" || (told.failed = error));
  await becomes("the feed sends what is open", () => told.snapshot);
  return told;
}

/** What both ways say is open: the newest message of each incident, but for those that are over. */
function openBy(messages) {
  const newest = new Map();
  for (const one of messages) {
    const [, revision] = one.identifier.split("/");
    if (Number(revision) >= (newest.get(one.incident)?.revision ?? 0)) newest.set(one.incident, { revision: Number(revision), kind: one.msgType });
  }
  return new Map([...newest].filter(([, { kind }]) => kind !== "Cancel").map(([incident, { revision }]) => [incident, revision]));
}

/** A bin that does not burn yet burns. */
async function burns(page, ports) {
  const bin = await page.evaluate(async () => {
    const get = async (path) => (await (await fetch(`/api/v1${path}`)).json()).items;
    const burning = new Set((await get("/incidents?domain=waste&limit=1000")).filter((one) => one.rule === "waste.fire").map((one) => one.key));
    return (await get("/sensors?domain=waste&state=online&limit=100")).find((one) => !burning.has(one.id)).id;
  });
  const mqtt = await device(ports.mqtt, "thermometer");
  await mqtt.publish(`city/waste/${bin}`, JSON.stringify({ sensor: bin, values: { temperature_c: 80 } }));
  mqtt.end();
}

async function followsBothWays(page, origin, ports, token) {
  const domain = "waste";
  const retained = new Map();
  let live = 0;
  const mqtt = await listener(ports.mqtt, "drainage-group", `citywatch/incidents/${domain}/#`, (topic, payload, isRetained) => {
    const incident = topic.split("/").at(-1);
    if (!isRetained) live += 1;
    // An empty message takes what was retained away: it is over.
    if (payload.length === 0) retained.delete(incident);
    else retained.set(incident, JSON.parse(payload.toString()));
  });
  const feed = await follows(origin, domain, token);
  assert.ok(feed.snapshot.length > 0, "something is open");
  await burns(page, ports);
  await becomes("a change comes by the feed", () => feed.messages.length > 0);
  await becomes("a change comes by MQTT", () => live > 0);
  await becomes("both ways say that the same is open", () => {
    const [one, other] = [openBy([...feed.snapshot, ...feed.messages]), openBy(retained.values())];
    return one.size === other.size && [...one].every(([incident, revision]) => other.get(incident) === revision);
  });
  const count = openBy(retained.values()).size;
  feed.stop();
  mqtt.end();
  assert.equal(feed.failed, undefined);
  return { open: feed.snapshot.length, changes: feed.messages.length, count };
}

/** The utility's own program on a case of its unit, while the operator's page shows the case. */
async function writesBack(page, origin, id, token) {
  const ask = async (path, init = {}) => {
    const answer = await fetch(`${origin}/api/v1${path}`, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } });
    assert.equal(answer.status, 200, `${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
    return answer;
  };
  const { items } = await (await ask("/cases?state=dispatched")).json();
  assert.ok(items.some((one) => one.id === id), "the case waits for it");
  const act = async (what, body) => {
    const etag = (await ask(`/cases/${id}`)).headers.get("etag");
    await ask(`/cases/${id}/${what}`, { method: "POST", headers: { "content-type": "application/json", "if-match": etag }, body: JSON.stringify(body) });
  };
  const stands = (state) => page.locator(`[data-test="case"][data-state="${state}"]`).waitFor();
  const said = (words) => page.locator('[data-test="case-steps"] li', { hasText: words }).waitFor();
  await act("accept", { note: "收到，泵车已出发" });
  await stands("handling");
  await act("note", { note: "现场抽排中" });
  await said("现场抽排中");
  await ask(`/cases/${id}/evidence`, { method: "POST", headers: { "content-type": "image/png" }, body: picture() });
  await act("feedback", { note: "积水已排净" });
  await stands("feedback");
  await said("积水已排净");
}

await inDemo(async ({ browser, demo, folder, address, origin }) => {
  const page = await open(browser, { origin });
  await page.goto(address);
  await seesTheCity(page);
  await step("waits until the past is played", () => demo.live);
  const token = await step("gets a token", async () => tokenOf(folder, "drainage-group", FOLLOWS));
  await step("is refused without it, and beyond its scopes", async () => {
    assert.equal((await fetch(`${origin}/api/v1/feed/drainage`)).status, 401);
    assert.equal((await fetch(`${origin}/api/v1/accounts`, { headers: { authorization: `Bearer ${token}` } })).status, 403);
  });
  await step("sees what is open, then every change, by events and by MQTT", async () => {
    const { open: first, changes, count } = await followsBothWays(page, origin, demo.ports, token);
    console.log(`      ${first} were open, ${changes} changes, ${count} are open both ways`);
  });
  const id = await step("the operator makes a case of an incident", () => makesACase(page, origin));
  const unit = await step("and dispatches it", () => dispatchesIt(page, id));
  await step("the unit's program accepts it, works, and is done, and the operator sees each", () => writesBack(page, origin, id, tokenOf(folder, "pump-desk", HANDLES, unit)));
  assert.deepEqual(page.faults, []);
});
