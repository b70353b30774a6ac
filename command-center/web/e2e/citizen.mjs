/**
 * What a citizen does, on a phone and without an account, against the real program: `node e2e/citizen.mjs [FOLDER]`.
 * Reports, is told, follows what is known, sees each step, rates, has it opened again; the city's people do their part.
 * Pictures go to FOLDER when it is named.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { seesOpenData, servesCitizens } from "./appeals.mjs";
import { inBothThemes } from "./axe.mjs";
import { DESKTOP, launch, open, PHONE, shooter } from "./browser.mjs";
import { addAccount, picture, signsIn } from "./command.mjs";
import { BINARY, startDemo, step, stopDemo } from "./demo.mjs";
import { until } from "./steps.mjs";

const shoot = shooter(process.argv[2]);
const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** A tap in the middle of the map. */
async function taps(page) {
  await page.locator('[data-test="citizen-map"][data-state="ready"]').waitFor();
  // From afar a tap comes nearer, and marks nothing yet.
  for (let taps = 0; taps < 4 && !/\d\.\d{5}/.test(await at(page, "place-told").innerText()); taps += 1) {
    const before = await at(page, "place-told").innerText();
    await page.locator('[data-test="citizen-map"] canvas').click();
    await until(page, "the tap is answered", (before) => before === "" ? document.querySelector('[data-test="place-told"]').textContent.trim() !== "" : true, before);
  }
  await until(page, "the place is marked", () => /\d+\.\d{5}/.test(document.querySelector('[data-test="place-told"]').textContent));
}

/** Reports something with a photo; gives the number and the secret. */
async function reports(page, origin) {
  await page.goto(`${origin}/citizen`);
  await at(page, "citizen-class").selectOption("0402");
  await taps(page);
  await at(page, "citizen-text").fill("路面积水没过路沿，手机 13812345678");
  await at(page, "citizen-photos").setInputFiles({ name: "water.png", mimeType: "image/png", buffer: picture() });
  await at(page, "who").locator("summary").click();
  await at(page, "citizen-phone").fill("13912345678");
  await inBothThemes(page, "/citizen");
  await at(page, "citizen-map").scrollIntoViewIfNeeded();
  await shoot(page, "citizen-report-zh-light-phone");
  await at(page, "report-send").click();
  await at(page, "report-done").waitFor();
  await inBothThemes(page, "/citizen, done");
  await shoot(page, "citizen-done-zh-light-phone");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, "a phone does not scroll sideways");
  return { number: await at(page, "done-number").innerText(), secret: await at(page, "done-secret").innerText() };
}

/** Somebody else sees that it is known, and follows it. */
async function follows(page, origin) {
  await page.goto(`${origin}/citizen`);
  await at(page, "citizen-class").selectOption("0402");
  await taps(page);
  await at(page, "known-matter").first().waitFor();
  await inBothThemes(page, "/citizen, known");
  await at(page, "known").scrollIntoViewIfNeeded();
  await shoot(page, "citizen-known-en-light-desktop");
  await at(page, "follow").first().click();
  await at(page, "report-done").waitFor();
  await at(page, "done-see").click();
  await at(page, "appeal").waitFor();
  await page.locator('[data-test="appeal-steps"] [data-step="followed"]').waitFor();
}

/** By number and secret, on a device that has never seen it; a wrong secret is told in words. */
async function looksUp(page, origin, { number, secret }, state) {
  await page.goto(`${origin}/citizen/appeals`);
  await at(page, "look-number").fill(number);
  await at(page, "look-secret").fill("0000-0000-0000-0000");
  await at(page, "look-send").click();
  await at(page, "look-told").waitFor();
  await at(page, "look-secret").fill(secret.toLowerCase().replaceAll("-", " "));
  await at(page, "look-send").click();
  await page.locator(`[data-test="appeal"][data-state="${state}"]`).waitFor();
  page.faults = page.faults.filter((fault) => !/status of 404/.test(fault));
}

/** An act of the city's people, asked as the person on the page. */
async function acts(page, id, act, body) {
  const said = { id, act, body };
  const status = await page.evaluate(async ({ id, act, body }) => {
    const { headers } = await fetch(`/api/v1/cases/${id}`);
    const head = { "content-type": "application/json", "if-match": headers.get("etag") };
    const answer = await fetch(`/api/v1/cases/${id}/${act}`, { method: "POST", headers: head, body: JSON.stringify(body) });
    return `${answer.status} ${answer.ok ? "" : await answer.text()}`.trim();
  }, said);
  assert.equal(status, "200", act);
}

/** The operator sees the case with its reporter masked, the telephone number hidden, and the photo. */
async function seesTheCase(page, origin) {
  const id = await page.evaluate(async () => {
    const { items } = await (await fetch("/api/v1/cases?state=reported")).json();
    return items.find((one) => one.class === "0402")?.id;
  });
  await page.goto(`${origin}/cases/${id}`);
  await at(page, "case-appeals").waitFor();
  const told = await at(page, "case-appeals").innerText();
  assert.match(told, /138\*\*\*\*5678[^]*139\*\*\*\*5678/);
  await at(page, "reveal").click();
  await until(page, "the number is shown in clear", () => document.querySelector('[data-test="contact"]').textContent.includes("13912345678"));
  await until(page, "the photo is there", () => document.querySelector('[data-test="case-evidence"] img')?.naturalWidth === 64);
  await inBothThemes(page, "/cases/…, with appeals");
  await shoot(page, "case-appeals-zh-dark-desktop");
  return id;
}

async function handledByTheCity(browser, desk, origin, folder, id) {
  const as = async (name, role, unit) => {
    addAccount(BINARY, folder, name, role, unit);
    const page = await open(browser, { origin });
    await signsIn(page, origin, name);
    return page;
  };
  await acts(desk, id, "verify", { result: "real" });
  await acts(desk, id, "register", {});
  await acts(await as("dora", "dispatcher"), id, "dispatch", {});
  const unit = await desk.evaluate(async (id) => (await (await fetch(`/api/v1/cases/${id}`)).json()).unit, id);
  const worker = await as("wang", "unit", unit);
  await acts(worker, id, "accept", {});
  await acts(worker, id, "feedback", { note: "已抽排" });
  await acts(await as("iris", "inspector"), id, "check", { result: "fixed" });
}

/** Rates the outcome, then has it opened again with the reason. */
async function ratesAndReopens(page) {
  await page.locator('[data-test="appeal"][data-state="closed"]').waitFor();
  await inBothThemes(page, "/citizen/appeals");
  await shoot(page, "citizen-steps-zh-light-phone");
  assert.ok(await at(page, "rate-send").isDisabled(), "all three are asked");
  await at(page, "satisfied-no").check();
  await at(page, "solved-yes").check();
  await at(page, "contacted-yes").check();
  await at(page, "rate-send").click();
  await at(page, "rated").waitFor();
  await at(page, "reopen").locator("summary").click();
  await at(page, "reopen-why").fill("第二天又积水了");
  await at(page, "reopen-send").click();
  await page.locator('[data-test="appeal"][data-state="registered"]').waitFor();
  await page.locator('[data-test="appeal-steps"] [data-step="reopened"]').waitFor();
}

const folder = mkdtempSync(join(tmpdir(), "citywatch-citizen-"));
const browser = await launch();
const { child, link, live } = await startDemo(folder);
process.on("exit", () => child.kill("SIGKILL"));
const pages = [];
try {
  const address = await link;
  const { origin } = new URL(address);
  const page = async (options) => {
    const made = await open(browser, { origin, ...options });
    pages.push(made);
    return made;
  };
  const desk = await page();
  await desk.goto(address);
  await desk.waitForURL((url) => url.pathname === "/");
  await step("waits until the past is played", () => live);
  const phone = await page({ viewport: PHONE, colorScheme: "light" });
  const theirs = await step("a citizen reports on a phone, with a photo", () => reports(phone, origin));
  const other = await page({ viewport: DESKTOP, locale: "en-GB", colorScheme: "light" });
  await step("another sees that it is known, and follows it", () => follows(other, origin));
  await step("by number and secret its steps are seen", async () => looksUp(await page({ viewport: PHONE, colorScheme: "light" }), origin, theirs, "reported"));
  const id = await step("an operator sees it, its reporter masked", () => seesTheCase(desk, origin));
  await step("the queue has it, a call is taken and a list imported", () => servesCitizens(desk, origin, theirs.number, shoot));
  await step("open data is open on a phone", async () => seesOpenData(await page({ viewport: PHONE, colorScheme: "light" }), origin, shoot));
  await step("the city handles it", () => handledByTheCity(browser, desk, origin, folder, id));
  await step("the citizen rates it, and has it opened again", async () => {
    await at(phone, "done-see").click();
    await ratesAndReopens(phone);
  });
  await step("who follows is told too", async () => {
    await other.reload();
    await at(other, "kept-open").first().click();
    await other.locator('[data-test="appeal"][data-state="registered"]').waitFor();
    await shoot(other, "citizen-steps-en-light-desktop");
  });
  for (const one of pages) assert.deepEqual(one.faults, []);
} catch (error) {
  console.log(`FAIL  ${error.stack}\n${error.cause ?? ""}\n${pages.flatMap((one) => one.faults).join("\n")}`);
  for (const [index, one] of pages.entries()) await shoot(one, `failed-${index}`).catch(() => undefined);
  process.exitCode = 1;
} finally {
  await browser.close();
  await stopDemo(child);
  rmSync(folder, { recursive: true, force: true });
}
