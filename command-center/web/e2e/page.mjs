/**
 * The built page against the made-up city: the first five minutes, then what goes wrong in a control room.
 * `node e2e/page.mjs [FOLDER [SCENARIO...]]`; pictures go to the folder when it is named, and only the scenarios that are
 * named are played when some are. Needs `npm run build` and Chromium.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { analyses } from "./analysis.mjs";
import { atOpenData, atServe } from "./appeals.mjs";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { launch, mapReady, open, PHONE, shooter, WALL } from "./browser.mjs";
import { onDuty } from "./duty.mjs";
import { supervises } from "./supervise.mjs";
import { onPaper, prints, restarts, sleeps } from "./away.mjs";
import { Fixture } from "./fixture.mjs";
import { comesNearer, perceives } from "./perceive.mjs";
import { acknowledges, looksAtASensor, looksAtRuleVersions, openDomains, opensByKeyboard, opensOne, seesOneArrive, seesTheCity, seesWhy, switchesLanguage, until, staysWithTheFocus } from "./steps.mjs";

const shoot = shooter(process.argv[2]);
const browser = await launch();
const at = (page, name) => page.locator(`[data-test="${name}"]`);

/** All scripts that the first screen needs, compressed, in bytes; the map is most of it. Its worker comes on top. */
const SCRIPTS_MAX = 400_000;

async function firstFiveMinutes(page, fixture, origin) {
  await page.goto(origin);
  assert.equal(await seesTheCity(page), fixture.overview().open.total);
  const scripts = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => new URL(one.name).pathname).filter((path) => path.endsWith(".js") && !path.includes("worker")));
  const bytes = [...new Set(scripts)].reduce((sum, path) => sum + gzipSync(readFileSync(new URL(`../dist${path}`, import.meta.url)), { level: 9 }).length, 0);
  assert.ok(scripts.length > 3 && bytes <= SCRIPTS_MAX, `the first screen loads ${bytes} bytes of scripts in ${scripts.length} files`);
  console.log(`      the first screen loads ${(bytes / 1000).toFixed(0)} kB of scripts`);
  assert.deepEqual(await openDomains(page), ["drainage", "waste", "traffic", "air"]);
  // The snapshot holds 150 of 200: the rest is fetched.
  await until(page, "all open incidents are in the queue", () => document.querySelector('[data-test="queue-count"]').textContent.startsWith("200"));
  const id = await seesOneArrive(page, () => fixture.open("extreme"));
  await shoot(page, "overview-zh-dark");
  await opensByKeyboard(page);
  await page.goBack();
  await opensOne(page, id);
  await seesWhy(page);
  await shoot(page, "incident-zh-dark");
  await acknowledges(page, id, "已通知排水集团值班室");
  await switchesLanguage(page);
  await at(page, "theme").click();
  await shoot(page, "overview-en-light");
  await looksAtASensor(page);
  await shoot(page, "sensor-en-light");
}

/** The queue's filters, each way, and an incident that clears under the operator's eyes. */
async function filters(page, fixture, origin) {
  await page.goto(origin);
  await seesTheCity(page);
  const shown = async () => Number((await at(page, "queue-count").innerText()).match(/\d+/)[0]);
  const all = await shown();
  await at(page, "domain-air").click();
  const air = fixture.overview().open.by_domain.air;
  await until(page, "only air is shown", (count) => document.querySelector('[data-test="queue-count"]').textContent.startsWith(String(count)), air);
  await at(page, "area").selectOption("110105");
  const chaoyang = fixture.city.incidents.filter((one) => one.state === "open" && one.domain === "air" && one.district === "110105").length;
  await until(page, "only Chaoyang is shown", (count) => document.querySelector('[data-test="queue-count"]').textContent.startsWith(String(count)), chaoyang);
  await page.locator(".reset").click();
  assert.equal(await shown(), all);
  await groups(page, fixture);

  const incident = fixture.open("severe");
  const row = page.locator(`[data-test="row"][data-id="${incident.id}"]`);
  await row.waitFor();
  fixture.change(incident, { state: "cleared", cleared_at: fixture.now() });
  await row.waitFor({ state: "detached" });
  await at(page, "show-cleared").click();
  await row.waitFor();
}

/** The queue in groups by keyboard, one folded away, and only the worst of it. */
async function groups(page, fixture) {
  await page.keyboard.press("g");
  const heads = at(page, "group");
  await heads.first().waitFor();
  const rules = new Set(fixture.city.incidents.filter((one) => one.state === "open").map((one) => one.rule));
  await heads.first().locator("button").click();
  assert.equal(await heads.first().locator("button").getAttribute("aria-expanded"), "false");
  for (let at = 0; at < rules.size - 1; at += 1) await page.locator('[data-test="group"] button[aria-expanded="true"]').first().click();
  assert.equal(await heads.count(), rules.size, "folded, there are only heads");
  assert.equal(await at(page, "row").count(), 0);
  await at(page, "grouping").selectOption("none");
  await page.locator("body").click({ position: { x: 5, y: 5 } });
  if (!page.url().endsWith("/")) await page.goBack();
  await page.keyboard.press("1");
  const extreme = fixture.overview().open.by_severity.extreme;
  await until(page, "only the extreme ones are shown", (count) => document.querySelector('[data-test="queue-count"]').textContent.startsWith(String(count)), extreme);
  await page.keyboard.press("?");
  await at(page, "keys").waitFor();
  await page.keyboard.press("Escape");
  await at(page, "keys").waitFor({ state: "detached" });
  await page.keyboard.press("0");
}

/** Ten thousand are open: all can be reached, and only those in sight are in the document. */
async function thousands(page, fixture, origin) {
  await page.goto(origin);
  await at(page, "row").first().waitFor();
  await until(page, "all are known", () => document.querySelector('[data-test="queue-count"]').textContent.startsWith("10,000"));
  const last = fixture.city.incidents.filter((one) => one.state === "open").sort((a, b) => b.changed_at - a.changed_at || (a.id < b.id ? -1 : 1)).at(-1);
  const rows = page.locator('[data-test="rows"]');
  await until(page, "the end is reached", (id) => {
    const box = document.querySelector('[data-test="rows"]');
    box.scrollTop = box.scrollHeight;
    return document.querySelector(`[data-id="${id}"]`) !== null;
  }, last.id);
  assert.ok((await at(page, "row").count()) < 60, "only rows in sight are drawn");
  await rows.evaluate((box) => box.scrollTo({ top: 0 }));
  for (let at = 0; at < 40; at += 1) await page.keyboard.press("j");
  await until(page, "what the keyboard selects is in sight", () => {
    const row = document.querySelector('[data-test="row"].selected');
    const box = document.querySelector('[data-test="rows"]');
    return row && row.getBoundingClientRect().bottom <= box.getBoundingClientRect().bottom + 1;
  });
  await staysWithTheFocus(page);
  await onPaper(page, 500, "另有 9,500 条没有打印。");
}

/** A line that breaks, a server that is away, a clock that stands still. */
async function troubles(page, fixture, origin) {
  await page.goto(origin);
  await seesTheCity(page);
  const snapshots = fixture.snapshots;
  fixture.cut(false);
  const during = fixture.open("severe");
  await page.locator(`[data-test="row"][data-id="${during.id}"]`).waitFor();
  assert.equal(fixture.snapshots, snapshots, "it went on after the last event: no new snapshot");

  fixture.cut(true);
  await at(page, "trouble").and(page.locator(".lost")).waitFor();
  await shoot(page, "disconnected-zh-dark");
  const meanwhile = fixture.open("extreme");
  fixture.ring.length = 0;
  fixture.refusing = false;
  await at(page, "trouble").waitFor({ state: "detached" });
  await page.locator(`[data-test="row"][data-id="${meanwhile.id}"].arrived`).waitFor();
  assert.equal(fixture.snapshots, snapshots + 1, "what was missed came as a new snapshot");

  fixture.freeze();
  await at(page, "trouble").and(page.locator(".stale")).waitFor();
  fixture.thaw();
  await at(page, "trouble").waitFor({ state: "detached" });
  // The cut line is what the browser itself reports; nothing else may be.
  page.faults = page.faults.filter((fault) => !fault.includes("ERR_"));
}

/** The queue holds still under a pointer and under the focus, and goes on afterwards. */
async function holdsStill(page, fixture, origin) {
  await page.goto(origin);
  await seesTheCity(page);
  await until(page, "all open incidents are in the queue", () => document.querySelector('[data-test="queue-count"]').textContent.startsWith("200"));
  const order = () => page.locator('[data-test="row"]').evaluateAll((rows) => rows.map((row) => row.dataset.id));
  const byId = (id) => page.locator(`[data-test="row"][data-id="${id}"]`);
  const incident = (id) => fixture.city.incidents.find((one) => one.id === id);

  const before = await order();
  await page.locator('[data-test="row"]').nth(2).hover();
  const come = fixture.open("extreme");
  fixture.change(incident(before[2]), { state: "cleared", cleared_at: fixture.now() });
  fixture.change(incident(before[9]), { severity: "extreme" });
  await at(page, "queue-waiting").waitFor();
  await page.locator(`[data-test="row"][data-id="${before[2]}"].cleared`).waitFor();
  await page.locator(`[data-test="row"][data-id="${before[9]}"].extreme`).waitFor();
  assert.deepEqual(await order(), before, "under a pointer no row moves, though each is as it is now");
  await page.mouse.move(5, 5);
  await byId(before[2]).waitFor({ state: "detached" });
  assert.deepEqual((await order()).slice(0, 2), [before[9], come.id], "without it the queue goes on");

  await byId(before[0]).locator('[data-test="title"]').focus();
  const held = await order();
  const late = fixture.open("severe");
  await at(page, "queue-waiting").waitFor();
  assert.deepEqual(await order(), held, "nor while a row has the focus");
  await at(page, "queue-waiting").click();
  await byId(late.id).waitFor();
  assert.equal((await order())[0], late.id, "whoever asks sees what waits");
}

/** Sensors that are not registered; and that paths whose ids have dots can be loaded anew. */
async function strangers(page, fixture, origin) {
  await page.goto(`${origin}/sensors`);
  await at(page, "unknown-tab").and(page.locator(":has(.some)")).click();
  const row = (id) => page.locator(`[data-test="unknown-row"][data-id="${id}"]`);
  await row("pump.7").and(page.locator('[data-todo="register"]')).waitFor();
  assert.match(await row("pump.7").innerText(), /city\/drainage\/pump\.7[^]*level_m[^]*dead-letter retry --sensor 'pump\.7'/);
  await row("late-1").and(page.locator('[data-todo="retry"]')).waitFor();
  await row("gone-1").waitFor();
  await shoot(page, "unknown-sensors-zh-dark");
  fixture.unknown.length = 2;
  await row("gone-1").waitFor({ state: "detached" });

  const sensor = fixture.city.sensors.find((one) => one.state === "online");
  sensor.id = "gate.2.js";
  await page.goto(`${origin}/sensors/${sensor.id}`);
  await at(page, "sensor").waitFor();
  await page.reload();
  await at(page, "coverage").waitFor();
}

/** Two operators at once: one wins, the other is told; and a change under the dialog is shown before it can be sent. */
async function conflicts(page, fixture, origin) {
  const first = fixture.city.incidents.find((one) => one.state === "open" && !one.acknowledged);
  await page.goto(`${origin}/incidents/${first.id}`);
  await at(page, "acknowledge").click();
  await at(page, "ack-send").and(page.locator(":enabled")).waitFor();
  fixture.change(first, { severity: "extreme" });
  await at(page, "ack-send").click();
  await at(page, "ack-told").waitFor();
  await page.locator('dialog [aria-label="特别重大"]').waitFor();
  await at(page, "ack-send").and(page.locator(":enabled")).click();
  await at(page, "acknowledged").waitFor();

  const second = fixture.city.incidents.find((one) => one.state === "open" && !one.acknowledged);
  await page.goto(`${origin}/incidents/${second.id}`);
  await at(page, "acknowledge").click();
  await at(page, "ack-send").and(page.locator(":enabled")).waitFor();
  second.acknowledged = { by: "wang", at: fixture.now(), note: null };
  await at(page, "ack-send").click();
  await until(page, "it says who was first", () => document.querySelector('[data-test="ack-told"]')?.textContent.includes("wang"));
  page.faults = page.faults.filter((fault) => !/status of (409|412)/.test(fault));
}

/** The wall: nobody touches it, it goes round, it says when it is old, and it comes back by itself. */
async function wall(page, fixture, origin) {
  fixture.notices = [{ number: "1", title: "东二环积水，请绕行", text: "水深约 30 厘米，正在排水。", title_en: "", text_en: "", area: { district: "110101", subdistrict: null }, area_name: { zh: "东城区", en: "Dongcheng" }, from: 0, until: fixture.now() + 3_600_000, published_at: 0 }];
  await page.goto(`${origin}/wall?lang=zh&turn=1`);
  await page.locator('[data-test="wall-map"][data-state="ready"]').waitFor();
  assert.equal(await at(page, "wall-open").innerText(), String(fixture.overview().open.total));
  await until(page, "every district has its indexes", () => {
    const rows = [...document.querySelectorAll('[data-test="wall-districts"] tbody tr')];
    return rows.length === 16 && rows.every((row) => Number(row.cells[1].textContent) > 0 && Number(row.cells[2].textContent) > 0);
  });
  const drainage = fixture.city.incidents.filter((one) => one.state === "open" && one.domain === "drainage").length;
  await until(page, "the domains are counted", (count) => document.querySelector('[data-domain="drainage"] .sum')?.textContent === String(count), drainage);
  await until(page, "feeds are fresh", () => document.querySelectorAll('[data-test="wall-feeds"] tr').length === 4 && !document.querySelector('[data-test="wall-feeds"]').textContent.includes("—"));
  await until(page, "it looks at a district", () => document.querySelector('[data-test="wall-districts"] tr.focus') !== null);
  await until(page, "it looks at a domain", () => document.querySelector('[data-test="wall-domains"] tr.focus') !== null);
  await at(page, "wall-notice").waitFor();
  await shoot(page, "wall-notice-zh");
  fixture.cut(true);
  await page.locator(".wall.old").waitFor();
  await at(page, "trouble").waitFor();
  const meanwhile = fixture.open("extreme");
  fixture.ring.length = 0;
  fixture.refusing = false;
  await at(page, "trouble").waitFor({ state: "detached" });
  await page.locator(`[data-test="wall-newest"] [data-id="${meanwhile.id}"]`).waitFor();
  await shoot(page, "wall-zh");
  page.faults = page.faults.filter((fault) => !fault.includes("ERR_"));
}

/** A storm is one slim line on a phone, which unfolds. */
async function aStormOnAPhone(page, fixture) {
  const storm = { area: "110101", name: { zh: "东城区", en: "Dongcheng" }, since: fixture.now() - 20 * 60_000, count: 14 };
  fixture.duty.storms = [storm, { ...storm, area: "110105", name: { zh: "朝阳区", en: "Chaoyang" } }];
  fixture.send("storm", {});
  await at(page, "storm").waitFor();
  const height = async () => (await at(page, "storm").boundingBox()).height;
  assert.ok((await height()) <= 36, `folded it is ${await height()} pixels high`);
  await isAccessible(page, "a storm on a phone");
  await shoot(page, "storm-zh-phone");
  await at(page, "storm-unfold").click();
  await page.getByText("朝阳区：十分钟内 14 起").waitFor();
  await isAccessible(page, "a storm on a phone, unfolded");
  await shoot(page, "storm-unfolded-zh-phone");
  await at(page, "storm-group").click();
  await at(page, "group").first().waitFor();
  await at(page, "grouping").selectOption("none");
  fixture.duty.storms = [];
  fixture.send("storm", {});
  await at(page, "storm").waitFor({ state: "detached" });
}

/** What is not there, who is not signed in, and a phone. */
async function edges(page, fixture, origin) {
  for (const path of ["/nowhere", "/incidents/none", "/sensors/none"]) {
    await page.goto(origin + path);
    await at(page, "nothing").waitFor();
  }
  await page.goto(origin);
  await seesTheCity(page);
  await shoot(page, "overview-zh-phone");
  await aStormOnAPhone(page, fixture);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, "a phone does not scroll sideways");
  await opensOne(page);
  await mapReady(page, "place-map");
  await shoot(page, "incident-zh-phone");
  fixture.sessions = false;
  fixture.cut(false);
  await at(page, "sign-in").waitFor();
  await shoot(page, "sign-in-zh-phone");
  fixture.sessions = true;
  await at(page, "sign-in-again").click();
  await at(page, "incident").waitFor();
  page.faults = page.faults.filter((fault) => !/status of (401|404)|ERR_/.test(fault));
}

/** Who put which rules in force: the newest first, long lists folded, in both languages. */
async function ruleVersions(page, fixture, origin) {
  const many = Array.from({ length: 15 }, (_, at) => `drainage.rule-${at + 1}`);
  const version = (number, more) => ({ version: number, hash: `${number}`.repeat(64), time: fixture.now() - (4 - number) * 3_600_000, by: null, reason: null, in_force: false, added: [], changed: [], removed: [], ...more });
  fixture.versions = [
    version(3, { by: "bo", in_force: true, changed: ["drainage.rule-2"], removed: ["drainage.rule-1"], reason: "夜间误报过多" }),
    version(2, { by: "anna", added: ["traffic.slow"] }),
    version(1, { added: many }),
  ];
  await page.goto(`${origin}/sensors`);
  await at(page, "sensor-row").first().waitFor();
  const seen = await looksAtRuleVersions(page);
  assert.deepEqual(seen, { count: 3, added: [] });
  const row = (number) => at(page, "rule-version").nth(3 - number);
  assert.match(await row(3).innerText(), /bo\s+夜间误报过多/);
  assert.deepEqual(await row(3).locator('[data-kind="changed"]').allInnerTexts(), ["drainage.rule-2"]);
  assert.deepEqual(await row(3).locator('[data-kind="removed"]').allInnerTexts(), ["drainage.rule-1"]);
  assert.match(await row(2).innerText(), /未说明原因/);
  assert.match(await row(1).innerText(), /来自配置/);
  assert.equal(await row(1).locator('[data-kind="added"]').count(), 12);
  await row(1).locator("dd button").click();
  assert.deepEqual(await row(1).locator('[data-kind="added"]').allInnerTexts(), many);
  await shoot(page, "rules-zh-dark");
  await switchesLanguage(page);
  assert.match(await row(1).innerText(), /from the configuration/);
  await shoot(page, "rules-en-dark");
}

/** Every screen in both themes, by the rules of WCAG 2.2 AA. Those of cases are looked at where there are real ones. */
async function forEverybody(page, fixture, origin) {
  fixture.versions = [{ version: 1, hash: "1".repeat(64), time: fixture.now(), by: "anna", reason: null, in_force: true, added: ["traffic.slow"], changed: [], removed: [] }];
  const incident = fixture.city.incidents.find((one) => one.state === "open");
  const screens = [["/", "row"], [`/incidents/${incident.id}`, "timeline"], ["/sensors", "sensor-row"], [`/sensors/${incident.key}`, "coverage"], ["/unknown-sensors", "unknown-row"], ["/rules", "rule-version"], ["/nowhere", "nothing"]];
  for (const [path, part] of screens) {
    await page.goto(origin + path);
    await at(page, part).first().waitFor();
    await inBothThemes(page, path);
  }
  await page.goto(origin);
  await at(page, "row").first().locator('[data-test="title"]').waitFor();
  await page.keyboard.press("?");
  await at(page, "keys").waitFor();
  await isAccessible(page, "the keys");
  await page.goto(`${origin}/wall`);
  await page.locator('[data-test="wall-districts"] tbody tr').first().waitFor();
  await isAccessible(page, "the wall");
  page.faults = page.faults.filter((fault) => !/status of 404/.test(fault));
}

/** Who is on duty, and who is told. */
const duty = (page, fixture, origin) => onDuty(page, fixture, origin, shoot);

/** What became of cases, what was measured, and who was given an incident and why. */
const analysis = (page, fixture, origin) => analyses(page, fixture, origin, shoot);

/** What citizens said, and what becomes of it; and the data that everybody may see. */
const serve = (page, fixture, origin) => atServe(page, fixture, origin, shoot);
const openData = (page, fixture, origin) => atOpenData(page, fixture, origin, shoot);

/** The city as it is now. */
const perceive = (page, fixture, origin) => perceives(page, fixture, origin, shoot);
const clusters = (page, fixture, origin) => comesNearer(page, fixture, origin, shoot);
/** Supervision: cases, checks, records, the audit. */
const supervision = (page, fixture, origin) => supervises(page, fixture, origin, shoot);

const SCENARIOS = [
  [firstFiveMinutes], [filters], [holdsStill], [strangers], [troubles], [conflicts], [ruleVersions], [duty], [perceive], [clusters, { city: { sensors: 12_000, open: 0, cleared: 0 } }], [analysis], [serve], [openData, { viewport: PHONE }], [supervision],
  [sleeps], [restarts], [prints], [wall, { viewport: WALL }], [forEverybody], [thousands, { city: { open: 10_000, cleared: 0 } }], [edges, { viewport: PHONE }],
];
const wanted = process.argv.slice(3);

let failed = 0;
try {
  for (const [scenario, { city, ...options } = {}] of SCENARIOS) {
    if (wanted.length > 0 && !wanted.includes(scenario.name)) continue;
    const fixture = new Fixture(city);
    const origin = await fixture.start();
    const page = await open(browser, { origin, ...options });
    const began = Date.now();
    try {
      await scenario(page, fixture, origin);
      assert.deepEqual(page.faults, []);
      console.log(`ok    ${scenario.name} (${((Date.now() - began) / 1000).toFixed(0)} s)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${scenario.name}: ${error.stack}\n${error.cause ?? ""}\n${page.faults.join("\n")}`);
      await shoot(page, `failed-${scenario.name}`).catch(() => undefined);
    } finally {
      await page.context().close();
      await fixture.stop();
    }
  }
} finally {
  await browser.close();
}
process.exitCode = failed > 0 ? 1 : 0;
