/** What an operator does in the first five minutes, step by step; the same against the made-up city and the real demo. */
import assert from "node:assert/strict";
import { mapReady, PATIENCE_MS } from "./browser.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** Waits until `probe`, run in the page, is true. */
export async function until(page, what, probe, argument, timeout = PATIENCE_MS) {
  try {
    await page.waitForFunction(probe, argument, { timeout });
  } catch (error) {
    throw new Error(`waited ${timeout / 1000} s in vain: ${what}`, { cause: error });
  }
}

/** The page shows the city: key figures, a drawn map, a queue with open incidents, a living line. */
export async function seesTheCity(page) {
  await at(page, "row").first().waitFor();
  await mapReady(page);
  assert.ok((await at(page, "row").count()) > 0, "the queue has open incidents");
  const total = Number((await at(page, "open-total").innerText()).replace(/\D/g, ""));
  assert.ok(total > 0, "the key figures count open incidents");
  await at(page, "line").and(page.locator(".live")).waitFor();
  const before = await at(page, "clock").locator("time").getAttribute("datetime");
  await until(page, "the clock of the log moves", (old) => document.querySelector('[data-test="clock"] time')?.getAttribute("datetime") !== old, before);
  assert.equal(await at(page, "trouble").count(), 0, "no banner");
  return total;
}

/** The domains that have open incidents, from the counts beside the filters. */
export async function openDomains(page) {
  const chips = await page.locator('[data-test^="domain-"]').evaluateAll((all) => all.map((chip) => [chip.dataset.test.slice("domain-".length), Number(chip.querySelector(".num")?.textContent ?? 0)]));
  return chips.filter(([, count]) => count > 0).map(([domain]) => domain);
}

/** An incident that was not there comes in, and is marked as new; gives its id. `provoke` makes it happen, if it can. */
export async function seesOneArrive(page, provoke, timeout) {
  await provoke?.();
  const fresh = page.locator('[data-test="row"].arrived').first();
  await until(page, "an incident arrives live", () => document.querySelector('[data-test="row"].arrived') !== null, null, timeout);
  return fresh.getAttribute("data-id");
}

/** Keyboard through the queue: j selects, Enter opens. Gives the id of the incident that is open then. */
export async function opensByKeyboard(page) {
  await page.keyboard.press("Escape");
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  if (!page.url().endsWith("/")) await page.goBack();
  await at(page, "row").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const selected = await page.locator('[data-test="row"].selected').getAttribute("data-id");
  assert.ok(selected, "j and k select a row");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/incidents\//);
  return page.url().split("/incidents/")[1];
}

/**
 * An incident that nobody acknowledged, opened with the mouse: of those in sight the one that changed longest ago, so that
 * it hardly changes under the hand. The queue moves while one clicks; gives the id of the incident that is open then.
 */
export async function opensOne(page, id) {
  await page.locator(id ? `[data-test="row"][data-id="${id}"]` : '[data-test="row"]:not(.acknowledged)').first().waitFor();
  // Under a pointer the queue holds still, and with the focus in one of its rows.
  await page.locator('[data-test="row"]').first().hover();
  const chosen = await page.evaluate((wanted) => {
    const rows = [...document.querySelectorAll('[data-test="row"]')];
    const row = rows.findLast((one) => (wanted ? one.dataset.id === wanted : !one.classList.contains("acknowledged")));
    row.querySelector('[data-test="title"]').focus();
    return row.dataset.id;
  }, id);
  await page.locator(`[data-test="row"][data-id="${chosen}"] [data-test="title"]`).click();
  await page.waitForURL(/\/incidents\//);
  await at(page, "incident").waitFor();
  return page.url().split("/incidents/")[1];
}

/** Whoever goes to a row below what is in sight stays there: the list does not go back to what is selected. */
export async function staysWithTheFocus(page) {
  const inSight = await page.evaluate(async () => {
    const box = document.querySelector('[data-test="rows"]');
    const row = [...box.querySelectorAll('[data-test="row"]')].at(-1);
    row.querySelector('[data-test="title"]').focus();
    // Rows that come into sight are measured then.
    for (let frame = 0; frame < 10; frame += 1) await new Promise((done) => requestAnimationFrame(done));
    const [edge, bottom] = [box.getBoundingClientRect().bottom, row.getBoundingClientRect().bottom];
    return row.isConnected && row.contains(document.activeElement) && bottom <= edge + 1;
  });
  assert.ok(inSight, "what has the focus is in sight");
}

/** Why it was raised: readings over time, the small map, what happened. */
export async function seesWhy(page) {
  const chart = at(page, "chart").first();
  await chart.waitFor();
  await until(page, "the evidence chart has readings", () => Number(document.querySelector('[data-test="chart"]')?.dataset.points ?? 0) > 0);
  await chart.locator("canvas").first().waitFor();
  await mapReady(page, "place-map");
  assert.ok((await at(page, "timeline").locator("li").count()) > 0, "the timeline has steps");
}

/** Why it was raised, calculated again from the log: conditions with values, readings with their places, the rule of then. */
export async function seesTheCalculation(page) {
  await at(page, "explain").click();
  await page.locator('[data-test="explanation"][data-state="there"]').waitFor();
  await at(page, "explained-same").waitFor();
  const steps = await at(page, "explained-step").count();
  assert.ok(steps > 0, "each transition is explained");
  await at(page, "rule-then").locator("summary").click();
  assert.match(await at(page, "rule-then").locator("pre").innerText(), /id: /);
  return steps;
}

/** Acknowledges the incident on the page with a note, and sees it acknowledged there and in the queue. */
export async function acknowledges(page, id, note) {
  await at(page, "acknowledge").click();
  await at(page, "ack-note").fill(note);
  await at(page, "ack-send").click();
  await at(page, "acknowledged").waitFor();
  await until(page, "the note stands in the timeline", (text) => document.querySelector('[data-test="timeline"]')?.textContent.includes(text), note);
  await page.goBack();
  // Only rows in sight are drawn, and meanwhile others came: among those that are acknowledged it is in sight.
  await at(page, "queue.ack.yes").click();
  await page.locator(`[data-test="row"][data-id="${id}"].acknowledged`).waitFor({ state: "attached" });
  await at(page, "queue.ack.all").click();
}

export async function switchesLanguage(page) {
  const before = await page.locator("html").getAttribute("lang");
  await at(page, "language").click();
  await until(page, "the language changes", (old) => document.documentElement.lang !== old, before);
}

/** The rule sets that were put in force; gives how many, and the ids that the newest one added. */
export async function looksAtRuleVersions(page) {
  await page.goto(new URL("/rules", page.url()).href, { waitUntil: "commit" });
  const rows = at(page, "rule-version");
  await rows.first().waitFor();
  assert.equal(await at(page, "in-force").count(), 1, "one version is in force");
  assert.equal(await rows.first().locator('[data-test="in-force"]').count(), 1, "the newest one");
  const added = await rows.first().locator('[data-kind="added"]').allInnerTexts();
  return { count: await rows.count(), added };
}

/** From the list of sensors to one with a curve. */
export async function looksAtASensor(page) {
  await page.goto(new URL("/sensors", page.url()).href);
  await at(page, "sensor-row").first().waitFor();
  await at(page, "sensor-state").selectOption("online");
  await until(page, "only online sensors are listed", () => {
    const rows = [...document.querySelectorAll('[data-test="sensor-row"]')];
    return rows.length > 0 && rows.every((row) => row.querySelector("svg.online"));
  });
  await at(page, "sensor-row").first().locator("a").first().click();
  await at(page, "sensor").waitFor();
  await until(page, "the sensor's curve has readings", () => Number(document.querySelector('[data-test="chart"]')?.dataset.points ?? 0) > 0);
}

/** Where incidents gather, where they come again, how well the alarms serve; and when a bin will be full. */
export async function analyses(page, origin, look) {
  await page.goto(`${origin}/analyze?days=1`);
  await at(page, "spot").first().waitFor();
  await mapReady(page, "spot-map");
  const { compared, hot } = await page.evaluate(() => {
    const rows = [...document.querySelectorAll('[data-test="spot"]')];
    return { compared: rows.length, hot: rows.filter((row) => row.dataset.hot === "true").length };
  });
  assert.equal(Number(await at(page, "spots-sum").getAttribute("data-hot")), hot);
  await at(page, "spot").first().locator("button").click();
  await page.locator('[data-test="spot"] [aria-pressed="true"]').waitFor();
  await look(page, "hot spots");
  await at(page, "level").selectOption("cell");
  await page.waitForURL(/level=cell/);
  await page.locator('[data-test="analyze"][data-state="there"]').waitFor();
  await at(page, "view-repeats").click();
  await page.locator('[data-test="analyze"][data-view="repeats"][data-state="there"]').waitFor();
  await at(page, "repeats").waitFor();
  await look(page, "repeats");
  await at(page, "view-alarms").click();
  await at(page, "rule-health").first().waitFor();
  await look(page, "the health of alarms");
  await at(page, "view-verdicts").click();
  await at(page, "verdicts").waitFor();
  await look(page, "verdicts");
  await at(page, "view-history").click();
  await until(page, "what the city measured in a day is drawn", () => Number(document.querySelector('[data-test="history"][data-state="there"]')?.dataset.points ?? 0) > 3);
  await look(page, "history");
  await at(page, "view-forecasts").click();
  await at(page, "forecasts-hours").selectOption("168");
  await page.locator('[data-test="forecasts"][data-state="there"]').waitFor();
  await at(page, "forecast-row").first().waitFor();
  await look(page, "forecasts");
  await page.goto(`${origin}/sensors/${await page.evaluate(async () => (await (await fetch("/api/v1/sensors?domain=waste&state=online&limit=1")).json()).items[0].id)}`);
  await at(page, "forecast").waitFor();
  return { compared, hot };
}
