/** The page while nobody looks at it, while its server is another, and on paper. Against the made-up city. */
import assert from "node:assert/strict";
import { makeDuty } from "./duty.mjs";
import { Fixture } from "./fixture.mjs";
import { fitsPaper } from "./paper.mjs";
import { seesTheCity, until } from "./steps.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** A tab that sleeps while more happens than the server keeps for those who come back: awake, it lacks nothing. */
export async function sleeps(page, fixture, origin) {
  await page.goto(origin);
  await seesTheCity(page);
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setWebLifecycleState", { state: "frozen" });
  const missed = [];
  for (let at = 0; at < 30; at += 1) missed.push(fixture.open("extreme"));
  fixture.cut(false);
  fixture.ring.length = 0;
  await session.send("Page.setWebLifecycleState", { state: "active" });
  const total = fixture.overview().open.total;
  await until(page, "it knows all that are open", (count) => document.querySelector('[data-test="open-total"]').textContent === String(count), total);
  await page.locator(`[data-test="row"][data-id="${missed.at(-1).id}"]`).waitFor();
  const late = fixture.open("extreme");
  await page.locator(`[data-test="row"][data-id="${late.id}"]`).waitFor();
  // The line that was cut.
  page.faults = page.faults.filter((fault) => !fault.includes("ERR_"));
}

/** The server is another after a restart: its events are counted anew, and the page begins anew with it. */
export async function restarts(page, fixture, origin) {
  await page.goto(origin);
  await seesTheCity(page);
  const { city } = fixture;
  await fixture.stop();
  await at(page, "trouble").and(page.locator(".lost")).waitFor();
  const again = new Fixture({ open: 3, cleared: 0 });
  again.city = city;
  const meanwhile = again.open("extreme");
  await again.start(Number(new URL(origin).port));
  try {
    await at(page, "trouble").waitFor({ state: "detached" });
    await page.locator(`[data-test="row"][data-id="${meanwhile.id}"]`).waitFor();
    assert.equal(again.snapshots, 1, "the old count means nothing to it: a new snapshot");
    const later = again.open("extreme");
    await page.locator(`[data-test="row"][data-id="${later.id}"]`).waitFor();
  } finally {
    await again.stop();
    await fixture.start();
  }
  page.faults = page.faults.filter((fault) => !fault.includes("ERR_"));
}

/** On paper: nothing is cut off at the right, and a long list goes over several sheets. */
export async function prints(page, fixture, origin) {
  const incident = fixture.city.incidents.find((one) => one.state === "open");
  fixture.duty = makeDuty(fixture.now());
  const screens = [["incident", `/incidents/${incident.id}`, "chart"], ["sensor", `/sensors/${incident.key}`, "chart"], ["sensors", "/sensors", "sensor-row"], ["overview", "/", "row"], ["duty", "/duty", "rosters"]];
  for (const [name, path, part] of screens) {
    await page.goto(origin + path);
    await at(page, part).first().waitFor();
    await until(page, "charts have readings", () => [...document.querySelectorAll('[data-test="chart"]')].every((one) => Number(one.dataset.points) > 0));
    const sheets = await fitsPaper(page, name, process.argv[2]);
    // A sheet holds some fifteen incidents, and all that are open are printed.
    assert.ok(sheets >= ({ sensors: 2, overview: 10 }[name] ?? 1), `${name} takes ${sheets} sheets`);
  }
  await page.goto(origin);
  await until(page, "all open incidents are in the queue", () => document.querySelector('[data-test="queue-count"]')?.textContent.startsWith("200"));
  await onPaper(page, 200, null);
}

/** So many incidents of the queue stand on paper, and how many more there are; on the screen again only those in sight. */
export async function onPaper(page, rows, more) {
  await page.emulateMedia({ media: "print" });
  await until(page, "what is open is on paper", (wanted) => document.querySelectorAll('[data-test="row"]').length === wanted, rows);
  assert.deepEqual(await at(page, "paper-more").allInnerTexts(), more === null ? [] : [more]);
  await page.emulateMedia({ media: null });
  await until(page, "only rows in sight are drawn", () => document.querySelectorAll('[data-test="row"]').length < 60);
}
