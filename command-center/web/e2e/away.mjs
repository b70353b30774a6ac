/** The page while nobody looks at it, while its server is another, and on paper. Against the made-up city. */
import assert from "node:assert/strict";
import { shooter } from "./browser.mjs";
import { Fixture } from "./fixture.mjs";
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

/** On paper: light, without what is clicked, nothing cut off at the right, and all of it. */
export async function prints(page, fixture, origin) {
  const incident = fixture.city.incidents.find((one) => one.state === "open");
  for (const [path, part] of [[`/incidents/${incident.id}`, "timeline"], ["/sensors", "sensor-row"]]) {
    await page.goto(origin + path);
    await at(page, part).first().waitFor();
    await page.emulateMedia({ media: "print" });
    await until(page, "paper is light", () => document.documentElement.dataset.theme === "light");
    const seen = await page.evaluate(() => ({
      head: getComputedStyle(document.querySelector("header.bar")).display,
      printed: getComputedStyle(document.querySelector(".printed")).display,
      buttons: [...document.querySelectorAll("button.button")].filter((one) => one.checkVisibility()).length,
      inner: [...document.querySelectorAll(".scroll")].filter((one) => one.scrollHeight > one.clientHeight + 1 && getComputedStyle(one).overflowY !== "visible").length,
    }));
    assert.deepEqual(seen, { head: "none", printed: "block", buttons: 0, inner: 0 }, path);
    await page.setViewportSize({ width: 703, height: 1000 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(wide, 0, `${path} fits an A4 sheet`);
    await shooter(process.argv[2])(page, `paper-${part}`);
    const pdf = await page.pdf({ preferCSSPageSize: true, ...(process.argv[2] ? { path: `${process.argv[2]}/paper-${part}.pdf` } : {}) });
    assert.ok((pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) ?? []).length >= (part === "sensor-row" ? 2 : 1), "a long list goes over several sheets");
    await page.emulateMedia({ media: "screen" });
    await until(page, "the screen is as it was", () => document.documentElement.dataset.theme === "dark");
    await page.setViewportSize({ width: 1440, height: 900 });
  }
}
