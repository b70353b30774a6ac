/** A case from the incident to its end, in the browser, by everybody whose part it is. Against the real program. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { deflateSync, crc32 } from "node:zlib";
import { inBothThemes } from "./axe.mjs";
import { fitsPaper } from "./paper.mjs";
import { until } from "./steps.mjs";

/** Of the accounts of this story; they live as long as its folder. */
const PASSWORD = "a password of tests";
const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** Makes an account beside the running demo. */
export function addAccount(binary, folder, name, role, unit) {
  const more = unit ? ["--unit", unit] : [];
  execFileSync(binary, ["accounts", "add", name, "--role", role, ...more, "--password-stdin", "--data-dir", folder], { input: PASSWORD, stdio: ["pipe", "ignore", "inherit"] });
}

/** Signs in by name and password, after a wrong one that is refused in words. */
export async function signsIn(page, origin, name, path = "/") {
  await page.goto(origin + path);
  await at(page, "sign-in-name").fill(name);
  await at(page, "sign-in-password").fill("not this one");
  await at(page, "sign-in-send").click();
  await at(page, "sign-in-told").waitFor();
  await at(page, "sign-in-password").fill(PASSWORD);
  await at(page, "sign-in-password").press("Enter");
  await page.locator('nav a[href="/"]').first().waitFor();
  page.faults = page.faults.filter((fault) => !/status of 401/.test(fault));
}

/** An open incident that is in no case and lies in a district; asked as the person on the page. */
async function withoutCase(page) {
  return page.evaluate(async () => {
    const get = async (path) => (await fetch(`/api/v1${path}`)).json();
    const { items } = await get("/incidents?limit=1000");
    const candidates = items.filter((one) => one.district !== null && one.place !== null && one.acknowledged === null).sort((a, b) => Number(b.domain === "drainage") - Number(a.domain === "drainage") || a.changed_at - b.changed_at);
    for (const one of candidates) if ((await get(`/cases?state=all&incident=${one.id}`)).items.length === 0) return one.id;
    return null;
  });
}

/** Acknowledges an incident, makes a case of it on its page; gives the case's id. */
export async function makesACase(page, origin) {
  const incident = await withoutCase(page);
  assert.ok(incident, "an open incident is in no case yet");
  await page.goto(`${origin}/incidents/${incident}`);
  await at(page, "acknowledge").click();
  await at(page, "ack-send").and(page.locator(":enabled")).click();
  await at(page, "acknowledged").waitFor();
  await at(page, "make-case").click();
  await at(page, "make-send").click();
  await at(page, "make-told").waitFor();
  page.faults = page.faults.filter((fault) => !/status of 400/.test(fault));
  // The rule has no class; one whose sensors are trusted is registered at once.
  await at(page, "make-class").selectOption("0402");
  await at(page, "make-send").click();
  await page.waitForURL(/\/cases\/[0-9a-f-]{36}$/);
  await page.locator('[data-test="case"][data-state="registered"]').waitFor();
  await page.locator(`[data-test="case-incidents"] a[href="/incidents/${incident}"]`).click();
  await at(page, "incident-case").locator("a").click();
  await page.locator('[data-test="case"][data-state="registered"]').waitFor();
  return page.url().split("/cases/")[1];
}

async function opens(page, act) {
  await page.locator(`[data-test="acts"] [data-act="${act}"]`).click();
  await page.locator(`[data-test="act-dialog"][data-act="${act}"]`).waitFor();
}

async function sends(page) {
  await at(page, "act-send").click();
  await at(page, "act-dialog").waitFor({ state: "detached" });
}

async function stands(page, state) {
  await page.locator(`[data-test="case"][data-state="${state}"]`).waitFor();
}

const offered = (page) => page.locator('[data-test="acts"] > button').evaluateAll((all) => all.map((button) => button.dataset.act));

/** Somebody else adds a note while a dialog is open. */
async function notesElsewhere(page, id, note) {
  const said = { id, note };
  const status = await page.evaluate(async ({ id, note }) => {
    const { headers } = await fetch(`/api/v1/cases/${id}`);
    const head = { "content-type": "application/json", "if-match": headers.get("etag") };
    return (await fetch(`/api/v1/cases/${id}/note`, { method: "POST", headers: head, body: JSON.stringify({ note }) })).status;
  }, said);
  assert.equal(status, 200);
}

/** Dispatches the case as the duty list proposes; meanwhile somebody adds a note, and that is told first. */
export async function dispatchesIt(page, id) {
  assert.deepEqual((await offered(page)).slice(0, 1), ["dispatch"], "the next thing stands first");
  await opens(page, "dispatch");
  const unit = await at(page, "field-unit").inputValue();
  assert.match(unit, /^district-water-\d{6}$/, "the duty list proposes the district's");
  await notesElsewhere(page, id, "值班室已电话核对");
  await page.keyboard.press("Escape");
  await at(page, "act-dialog").waitFor({ state: "detached" });
  await until(page, "the note comes live", () => document.querySelector('[data-test="case-steps"] li')?.dataset.step === "noted");

  await opens(page, "dispatch");
  await notesElsewhere(page, id, "又一条");
  await at(page, "act-send").click();
  await at(page, "act-told").waitFor();
  page.faults = page.faults.filter((fault) => !/status of 412/.test(fault));
  await at(page, "field-words").fill("请尽快到场");
  await sends(page);
  await stands(page, "dispatched");
  assert.ok(!(await offered(page)).includes("accept"), "accepting is the unit's");
  return unit;
}

/** The smallest thing that is a picture: one grey pixel of 64 × 48, so that it can be looked at. */
export function picture() {
  const chunk = (kind, data) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const [width, height] = [64, 48];
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 0, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height, 150);
  for (let row = 0; row < height; row += 1) rows[row * (width + 1)] = 0;
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** The unit finds its case on the board, accepts it, does a step of the plan, and feeds back with a picture. */
export async function handlesIt(page, id) {
  await at(page, "nav-cases").click();
  await page.locator(`[data-column="dispatched"] [data-id="${id}"] a`).click();
  await stands(page, "dispatched");
  assert.deepEqual(await offered(page), ["accept", "return", "note", "whistle"]);
  await opens(page, "accept");
  // By keyboard alone: the focus is in the note.
  await page.keyboard.type("收到，马上出发");
  await page.keyboard.press("Control+Enter");
  await stands(page, "handling");
  await page.locator('[data-task="0"]').click();
  await until(page, "the step of the plan is done", () => document.querySelector('[data-task="0"]') === null);
  await opens(page, "feedback");
  await at(page, "evidence-file").setInputFiles({ name: "after.png", mimeType: "text/plain", buffer: Buffer.from("no picture") });
  await page.locator('[data-test="field-evidence"] [role="alert"]').waitFor();
  page.faults = page.faults.filter((fault) => !/status of 415/.test(fault));
  await at(page, "evidence-file").setInputFiles({ name: "after.png", mimeType: "image/png", buffer: picture() });
  await page.locator('[data-test="field-evidence"] img').waitFor();
  await at(page, "field-words").fill("已抽排完毕，道路恢复通行");
  await sends(page);
  await stands(page, "feedback");
  assert.ok(!(await offered(page)).includes("check"), "checking is never the unit's");
}

/** The inspector sees the picture, checks, and the case is closed. */
export async function checksIt(page, origin, id) {
  await page.goto(`${origin}/cases/${id}`);
  await stands(page, "feedback");
  await until(page, "the picture is there", () => document.querySelector('[data-test="case-evidence"] img')?.naturalWidth === 64);
  await opens(page, "check");
  assert.ok(await at(page, "act-send").isDisabled(), "a check says what it found");
  await at(page, "result-fixed").check();
  await sends(page);
  await stands(page, "closed");
}

/** On the board and in the list the case is where it belongs, in both views. */
export async function findsItInTheList(page, origin, id) {
  await page.goto(`${origin}/cases?state=closed`);
  await page.locator(`[data-test="case-row"][data-id="${id}"]`).waitFor();
  await at(page, "view-board").click();
  await at(page, "board").waitFor();
  assert.equal(await page.locator(`[data-test="board"] [data-id="${id}"]`).count(), 0, "what is closed waits for nobody");
}

/** The open cases in trouble: as many cards as are counted, six at most, and their groups lead to the cases. */
async function looksAfterOpenCases(page) {
  await page.locator('[data-test="live-cases"][data-state="there"]').waitFor();
  const count = async (trouble) => parseInt((await at(page, `trouble-${trouble}`).locator("b").innerText()).replace(",", ""), 10);
  for (const trouble of ["soon", "bouncing", "ownerless", "late"]) {
    await at(page, `trouble-${trouble}`).click();
    await until(page, `as many cards as cases are ${trouble}, six at most`, ([one, most]) => {
      const said = parseInt(document.querySelector(`[data-test="trouble-${one}"] b`).textContent.replace(",", ""), 10);
      return document.querySelectorAll('[data-test="live-list"] [data-test="case-card"]').length === Math.min(said, most);
    }, [trouble, 6]);
  }
  assert.ok((await count("late")) > 0 && (await count("ownerless")) > 0, "some are late, and no unit has some");
  // Cases of districts there are; whether a unit has an open one now is chance.
  for (const by of ["level", "unit", "district"]) {
    await at(page, `live-by-${by}`).click();
    await page.locator(`[data-test="live-by-${by}"][aria-pressed="true"]`).waitFor();
  }
  await at(page, "live-group").first().waitFor();
}

/** The month's indicators count the case for its unit, and lead to its cases; the supervisor gives it a score. */
export async function judgesIt(page, origin, id, unit) {
  await page.goto(`${origin}/supervise`);
  const row = page.locator(`[data-test="kpi-row"][data-code="${unit}"]`);
  await row.locator('[data-kpi="handled-in-time"] b').waitFor();
  await looksAfterOpenCases(page);
  await inBothThemes(page, "/supervise");
  await fitsPaper(page, "supervise");
  await row.locator("a").click();
  await page.locator(`[data-test="case-row"][data-id="${id}"] a`).click();
  await stands(page, "closed");
  await opens(page, "evaluate");
  await page.locator('input[name="score"]').nth(4).check();
  await sends(page);
  await stands(page, "evaluated");
}
