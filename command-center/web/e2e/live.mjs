/**
 * The page is live, against the real program: `node e2e/live.mjs`. A message over MQTT is an incident on the page within a
 * second; a program that is killed and started again, and a tab that slept, leave no gap. Starts `citywatch demo`
 * (CITYWATCH names the binary) in a folder of its own. Prints how long each message took.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { loadavg } from "node:os";
import { open, PATIENCE_MS } from "./browser.mjs";
import { inDemo, startDemo, step } from "./demo.mjs";
import { device } from "./mqtt.mjs";
import { seesTheCity, until } from "./steps.mjs";

/** From before a message is published until its incident is a row of the queue. */
const SHOWN_MAX_MS = 1_000;
const MESSAGES = 5;

/** Bins that do not burn yet. Over 60 degrees is a fire at once: `waste.fire` waits for nothing. */
async function bins(page) {
  return page.evaluate(async () => {
    const get = async (path) => (await (await fetch(`/api/v1${path}`)).json()).items;
    const burning = new Set((await get("/incidents?domain=waste&limit=1000")).filter((one) => one.rule === "waste.fire").map((one) => one.key));
    return (await get("/sensors?domain=waste&state=online&limit=100")).map((one) => one.id).filter((id) => !burning.has(id));
  });
}

/** Keeps when rows that say how hot it is came into the document. */
function watchRows(page) {
  return page.evaluate(() => {
    window.stayed = true;
    window.shownAt = {};
    const look = () => {
      for (const row of document.querySelectorAll('[data-test="row"]')) {
        const [degrees] = row.textContent.match(/[\d.]+(?= °C)/) ?? [];
        if (degrees) window.shownAt[degrees] ??= Date.now();
      }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
  });
}

let degrees = 70;
/** A bin burns, each time hotter, so that its row can be told; gives when it began, and what the row says. */
async function burns(mqtt, bin) {
  degrees += 0.5;
  const began = Date.now();
  await mqtt.publish(`city/waste/${bin}`, JSON.stringify({ sensor: bin, values: { temperature_c: degrees } }));
  return { began, said: String(degrees) };
}

async function shown(page, { began, said }) {
  await until(page, `the fire of ${said} degrees is on the page`, (key) => window.shownAt[key] !== undefined, said);
  return (await page.evaluate((key) => window.shownAt[key], said)) - began;
}

/** What a page says of what is open: the count, by severity and domain, and which are at the head of the queue. */
function says(page) {
  return page.evaluate(() => ({
    figures: [...document.querySelectorAll('[data-test="open-total"], [data-test="unacknowledged"], .severities b, [data-test="queue-count"], [data-test^="domain-"]')].map((one) => one.textContent.trim()),
    rows: [...document.querySelectorAll('[data-test="row"]')].slice(0, 8).map((one) => `${one.dataset.id} ${one.className}`.replace(/ (arrived|selected)/g, "")),
  }));
}

/** Both pages say the same. The city goes on while they are read, so that it is asked until it is so. */
async function sayTheSame(page, other) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const [mine, theirs] = await Promise.all([says(page), says(other)]);
    if (mine.rows.length > 0 && JSON.stringify(mine) === JSON.stringify(theirs)) return mine;
    if (Date.now() > deadline) assert.deepEqual(mine, theirs, "the page says what a fresh one says");
  }
}

async function arrives(page, ports, wanted) {
  const mqtt = await device(ports.mqtt, "thermometers");
  const took = [];
  for (const bin of wanted) took.push(await shown(page, await burns(mqtt, bin)));
  mqtt.end();
  console.log(`      on the page after ${took.join(", ")} ms; load average ${loadavg()[0].toFixed(1)}`);
  assert.ok(Math.max(...took) <= SHOWN_MAX_MS, `an incident was on the page ${Math.max(...took)} ms after its message`);
}

/** The program is killed while the page looks on, and started again where it was. */
async function isKilled(page, story) {
  const { child, ports } = story.demo;
  child.removeAllListeners("exit");
  child.kill("SIGKILL");
  await once(child, "exit");
  await page.locator('[data-test="trouble"].lost').waitFor();
  story.demo = await startDemo(story.folder, ports);
  await page.locator('[data-test="trouble"]').waitFor({ state: "detached" });
}

/** A tab that is frozen while a bin burns; awake, it shows it. */
async function sleeps(page, ports, bin) {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  const mqtt = await device(ports.mqtt, "thermometers");
  const fire = await burns(mqtt, bin);
  mqtt.end();
  const deadline = Date.now() + PATIENCE_MS;
  const origin = new URL(page.url()).origin;
  for (;;) {
    const { items } = await (await page.context().request.get(`${origin}/api/v1/incidents?domain=waste&limit=1000`)).json();
    if (items.some((one) => one.rule === "waste.fire" && one.key === bin)) break;
    assert.ok(Date.now() < deadline, "the incident is open while the tab sleeps");
  }
  await session.send("Page.setWebLifecycleState", { state: "active" });
  await shown(page, fire);
}

await inDemo(async (story) => {
  const { address, origin } = story;
  const page = await open(story.browser, { origin });
  await page.goto(address);
  await seesTheCity(page);
  await step("waits until the past is played", () => story.demo.live);
  await watchRows(page);
  const wanted = await bins(page);
  assert.ok(wanted.length >= MESSAGES + 2, "the city has bins that do not burn");
  await step("a message over MQTT is an incident on the page", () => arrives(page, story.demo.ports, wanted.splice(0, MESSAGES)));
  await step("the program is killed, and started again", () => isKilled(page, story));
  await step("it plays what it missed", () => story.demo.live);
  const fresh = await page.context().newPage();
  await fresh.goto(origin);
  await seesTheCity(fresh);
  await step("the page says what a fresh one says", async () => console.log(`      ${(await sayTheSame(page, fresh)).figures[0]} are open`));
  await fresh.close();
  await step("it is as live as before", () => arrives(page, story.demo.ports, wanted.splice(0, 1)));
  await step("a tab that slept lacks nothing", () => sleeps(page, story.demo.ports, wanted[0]));
  assert.ok(await page.evaluate(() => window.stayed), "it was never loaded anew");
  // The line that broke is what the browser itself reports.
  assert.deepEqual(page.faults.filter((fault) => !fault.includes("ERR_")), []);
});
