/** Supervision as the made-up city says it: open cases, checks, published months, findings, the audit; and who looks at it. */
import { spawnSync } from "node:child_process";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { BINARY } from "./demo.mjs";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { fitsPaper } from "./paper.mjs";
import { switchesLanguage, until } from "./steps.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const id = (number) => `6d1f0f7e-0000-5000-8000-${String(number).padStart(12, "0")}`;
const hash = (text) => createHash("sha256").update(String(text)).digest("hex");
const monthOf = (now, months) => {
  const day = new Date(now + 8 * HOUR);
  return new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + months, 1)).toISOString().slice(0, 7);
};

const CLASSES = [["0102", "暴露垃圾", "Exposed rubbish"], ["0402", "路面积水", "Ponding on the road"], ["0404", "井盖缺失", "Missing manhole cover"], ["0601", "车辆乱停放", "Wrongly parked vehicles"]]
  .map(([code, zh, en]) => ({ class: code, name: { zh, en }, domain: "waste", severity: "moderate" }));
const UNITS = { "district-water-110101": ["东城区水务局", "District water bureau, Dongcheng"], "district-water-110102": ["西城区水务局", "District water bureau, Xicheng"], "district-water-110105": ["朝阳区水务局", "District water bureau, Chaoyang"], "district-water-110106": ["丰台区水务局", "District water bureau, Fengtai"], "drainage-group": ["市排水集团", "City drainage group"], "street-office-110101007": ["建国门街道办事处", "Subdistrict office, Jianguomen"] };
const names = Object.fromEntries(Object.entries(UNITS).map(([code, [zh, en]]) => [code, { zh, en }]));

function caseRow(now, number, change = {}) {
  const unit = Object.keys(UNITS)[number % 6];
  return {
    id: id(number), number: `1101012026${String(number).padStart(5, "0")}`, version: 3, state: "handling", is_open: true, is_late: false, class: "0402", class_name: CLASSES[1].name, title: "路面积水",
    title_by_language: CLASSES[1].name, severity: ["severe", "moderate", "minor"][number % 3], domain: "drainage", district: "110101", subdistrict: "110101007", place_name: { zh: "建国门内大街", en: "Jianguomennei Street" }, lon: 116.43, lat: 39.91,
    unit, unit_name: names[unit], parent: null, reported_at: now - 9 * HOUR, changed_at: now - HOUR, due_at: now - number * 7 * 60_000, warn_at: now - 2 * HOUR, bounces: 0, ...change,
  };
}

function liveCases(now) {
  const row = (from, count, change) => Array.from({ length: count }, (_, index) => caseRow(now, from + index, typeof change === "function" ? change(index) : change));
  const counts = { "district-water-110101": [12, 1, 5], "district-water-110105": [17, 3, 4], "street-office-110101007": [6, 0, 1], "drainage-group": [9, 2, 1], "district-water-110102": [8, 1, 0], "district-water-110106": [4, 0, 0] };
  const count = ([open, soon, late]) => ({ open, soon, late });
  return {
    all: count([63, 7, 11]), units: Object.fromEntries(Object.entries(counts).map(([code, one]) => [code, count(one)])),
    districts: { "110101": count([30, 2, 6]), "110105": count([21, 3, 4]), "110102": count([12, 2, 1]) }, levels: { city: count([9, 2, 1]), district: count([41, 5, 9]), subdistrict: count([6, 0, 1]) },
    late: row(1, 11, { is_late: true }), soon: row(21, 7, (index) => ({ due_at: now + (index + 1) * 9 * 60_000 })), bouncing: row(31, 2, { bounces: 3, due_at: now + HOUR }), ownerless: row(41, 3, { unit: null, unit_name: {}, state: "registered", due_at: null }),
    is_whole: true, unit_names: names,
  };
}

function groups() {
  const unit = (code, score, half, rank, worst) => ({ unit: code, score, interval: { low: Math.max(0, (score ?? 60) - half), high: Math.min(100, (score ?? 60) + half) }, least: 42, parts: {}, rank, rank_worst: worst });
  return [{ name: "district-water", at_ceiling: false, units: [unit("district-water-110102", 91.42, 3.1, 1, 2), unit("district-water-110105", 88.9, 2.4, 1, 3), unit("district-water-110101", 84.11, 2.2, 3, 3), unit("district-water-110106", null, 22, null, null)] }];
}

const estimate = (share, low, high, missed, from, to) => ({ share, share_interval: { low, high }, missed, missed_interval: { low: from, high: to } });
const finding = { kind: "repeats", unit: "district-water-110101", group: "district-water", share: { hits: 41, of: 118 }, expected: 0.131, difference: 0.216, odds_ratio: 3.52, interval: { low: 2.2, high: 5.6 }, p: 0.00002, q: 0.0004, evidence: [id(1), id(2), id(3)] };

function monthReport(now, month, period) {
  const kpis = (of, hits) => ({ rates: { registered: { hits: of, of }, handled: { hits, of }, "handled-in-time": { hits: hits - 6, of }, closed: { hits: hits - 4, of }, reworked: { hits: 3, of: hits } }, handled: hits, worked_ms: hits * 2.6 * HOUR });
  const unit = Object.fromEntries(Object.keys(UNITS).map((code, index) => [code, kpis(120 - 14 * index, 111 - 14 * index)]));
  return {
    month, formula: "city/3", period, kpis: { unit, district: { "110101": kpis(90, 80) }, level: { district: kpis(300, 280) }, class: { "0402": kpis(200, 188) } }, groups: groups(),
    exposed: [{ case: id(7), class: "0402", district: "110101", unit: "district-water-110101", reasons: [{ reason: "handled-late", late: 26 * HOUR }, { reason: "reworked", times: 3 }] }],
    enforcement: { tests: 48, findings: [finding] }, corrections: [], unit_names: names,
    checks: { all: { planned: 40, visited: 31, found: 12, missed: 4, estimate: estimate(0.333, 0.099, 0.651, 512, 139, 1311) }, classes: { "0102": { planned: 20, visited: 16, found: 9, missed: 4, estimate: estimate(0.444, 0.137, 0.788, 512, 139, 1311) }, "0402": { planned: 20, visited: 15, found: 3, missed: 0, estimate: estimate(0, 0, 0.708, 0, 0, 472) } } },
  };
}

/** Forty places in two subdistricts, drawn for two classes. */
function monthCheck(now, city) {
  const areas = city.subdistricts.filter((one) => one.properties.parent === "110101").slice(0, 2);
  const middle = ({ geometry: { type, coordinates } }) => {
    const ring = type === "Polygon" ? coordinates[0] : coordinates[0][0];
    return [0, 1].map((axis) => ring.reduce((sum, point) => sum + point[axis], 0) / ring.length);
  };
  const visits = areas.flatMap((area) => CLASSES.slice(0, 2).flatMap(({ class: code }) => Array.from({ length: 10 }, (_, index) => {
    const [lon, lat] = middle(area);
    return { area: area.properties.code, class: code, cell: `${Math.floor(lon * 1000) + ((index * 7) % 11) - 5}/${Math.floor(lat * 1000) + ((index * 5) % 9) - 4}` };
  })));
  const strata = areas.flatMap((area) => CLASSES.slice(0, 2).map(({ class: code }) => ({ area: area.properties.code, class: code, cells: 412 })));
  const event = (number, case_number) => ({ lon: 116.41, lat: 39.91, what: ["胡同口堆放垃圾三袋", "雨水口堵塞，积水约 5 厘米", ""][number % 3], case_number });
  const made = [0, 1, 2, 5, 11, 12, 20, 31].map((visit, index) => ({ visit, by: "ina", at: now - (9 - index) * HOUR, found: index === 1 ? [event(0, null), event(1, "110101202600007")] : index === 4 ? [event(1, "110101202600008")] : [] }));
  const steps = [{ version: 1, at: now - 3 * DAY, by: { name: "sue" }, step: "planned", reason: "按月开展" }, ...made.map((one, index) => ({ version: index + 2, at: one.at, by: { name: "ina" }, step: "visited", visit: one.visit, found: one.found, note: index === 0 ? "路面干净" : "" }))];
  return { id: id(100), number: "20261128001", version: 9, began_at: now - 3 * DAY, changed_at: now - HOUR, sides: { sue: "supervision" }, state: "planned", month: monthOf(now, 0), area: "110101", district: "110101", subdistrict: null, seed: `${monthOf(now, 0)}-dc`, strata, visits, made, steps };
}

function scores(now) {
  const record = (number, month, began_at, corrections) => ({ id: id(number), number: `2026${number}001`, version: 1, began_at, changed_at: began_at, sides: { sue: "supervision" }, month, formula: "city/3", formula_digest: hash("formula"), digest: hash(number), findings: 1, corrections, groups: groups(), log: { "citywatch.command": [1204, 991, 1102, 870], "citywatch.serve": [220, 198, 240, 201] } });
  return [record(203, monthOf(now, -1), now - 2 * DAY, 1), record(202, monthOf(now, -1), now - 9 * DAY, 0), record(201, monthOf(now, -2), now - 40 * DAY, 0)];
}

const KINDS = ["case.dispatched", "session.began", "contact.read", "case.accepted", "incident.acknowledged", "alarm.shelved", "month-check.visited", "account.password-reset", "case.fed_back", "roster.override-added"];

/** Everything that the fixture keeps of supervision. */
export function makeSupervise(now, city) {
  const raised = { id: id(301), number: "20261129001", version: 1, began_at: now - DAY, changed_at: now - DAY, sides: { sue: "supervision" }, month: monthOf(now, -1), formula: "city/3", formula_digest: hash("formula"), ...finding, finding: finding.kind, unit_name: names[finding.unit] };
  const audit = Array.from({ length: 130 }, (_, index) => {
    const seq = 130 - index;
    const what = KINDS[seq % KINDS.length];
    return { seq, at: now - index * 17 * 60_000, by: ["anna", "bo", "sue", "ina", "token/drainage"][seq % 5], what, about: what === "contact.read" ? "2026112800017" : what.startsWith("session") ? "password" : what.startsWith("account") ? "bo" : id(seq % 9), digest: hash(`d${seq}`), hash: hash(`h${seq}`) };
  });
  const [period, over] = [{ from: now - 10 * DAY, until: now + 20 * DAY }, { from: now - 40 * DAY, until: now - 10 * DAY }];
  return { now, live: liveCases(now), asked: { live: 0 }, check: monthCheck(now, city), scores: scores(now), raised: [raised], interviews: [], audit, period, over, month: monthOf(now, 0) };
}

function auditPage(all, asked) {
  const is = (name, value) => !asked.get(name) || asked.get(name) === value;
  const before = Number(asked.get("before") ?? Infinity);
  const fits = all.filter((one) => one.seq < before && is("by", one.by) && is("about", one.about) && (is("what", one.what) || one.what.startsWith(`${asked.get("what")}.`)) && one.at >= Number(asked.get("from") ?? 0) && one.at < Number(asked.get("to") ?? Infinity));
  const limit = Number(asked.get("limit") ?? 100);
  return { items: fits.slice(0, limit), next: fits.length > limit ? fits[limit - 1].seq : null, head: `${all[0].seq}:${all[0].hash}` };
}

function verified(all, head) {
  const [seq, known] = head?.split(":") ?? [];
  const entry = all.find((one) => one.seq === Number(seq));
  if (head && entry?.hash !== known) return { is_whole: false, why: `entry ${seq} is another than the head that was written down`, looked: null, head: null };
  return { is_whole: true, why: null, looked: all.length, head: `${all[0].seq}:${all[0].hash}` };
}

function checkOf(kept) {
  const { check, period } = kept;
  const found = check.made.flatMap((one) => one.found);
  const all = { planned: check.visits.length, visited: check.made.length, found: found.length, missed: found.filter((one) => one.case_number === null).length, estimate: estimate(0.333, 0.008, 0.906, 206, 5, 1148) };
  return { ...check, acts: ["visit"], period, checks: { all, classes: { "0102": all, "0402": { ...all, found: 0, missed: 0, visited: 0, estimate: null } } } };
}

/** Answers to GET; undefined for what is not of supervision. */
export function superviseOf(kept, [first, second, third], asked) {
  if (!kept) return undefined;
  switch (first) {
    case "supervise":
      if (second === "live") kept.asked.live += 1;
      return second === "live" ? kept.live : monthReport(kept.now, third === "current" ? kept.month : third, third === "current" || third === kept.month ? kept.period : kept.over);
    case "month-checks":
      if (second === undefined) return { items: [kept.check], month: kept.month };
      return second === kept.check.id ? checkOf(kept) : undefined;
    case "scores": {
      if (second === undefined) return { items: kept.scores };
      const one = kept.scores.find((score) => score.id === second);
      return one && { ...one, steps: [{ version: 1, at: one.began_at, by: { name: "sue" }, step: "published" }] };
    }
    case "findings":
      return { items: kept.raised };
    case "interviews":
      return second === undefined ? { items: kept.interviews } : kept.interviews.find((one) => one.id === second);
    case "objections":
      return { items: [] };
    case "audit":
      return second === "verify" ? verified(kept.audit, asked.get("head")) : auditPage(kept.audit, asked);
    case "classes":
      return { items: CLASSES };
    case "units":
      return { items: [{ unit: "district-water", level: "district", is_each: true, area: null, name: { zh: "水务局", en: "District water bureau" }, powers: [] }] };
    default:
      return undefined;
  }
}

/** What POST does; undefined for what is not of supervision. */
export function superviseDoes(kept, [first, , act], body) {
  if (!kept) return undefined;
  if (first === "month-checks" && act === "visit") {
    const one = { visit: body.visit, by: "admin", at: kept.now, found: body.found.map(({ case: case_number, ...event }) => ({ ...event, case_number })) };
    const { check } = kept;
    kept.check = { ...check, version: check.version + 1, made: [...check.made, one], steps: [...check.steps, { version: check.version + 1, at: kept.now, by: { name: "admin" }, step: "visited", visit: body.visit, note: body.note }] };
    return checkOf(kept);
  }
  if (first === "month-checks") {
    kept.planned = body;
    return checkOf(kept);
  }
  if (first === "scores") {
    kept.scores = [{ ...kept.scores[0], id: id(204), number: "2026204001", month: body.month, began_at: kept.now }, ...kept.scores];
    return kept.scores[0];
  }
  if (first === "findings") {
    kept.raised = [{ ...kept.raised[0], id: id(302), month: body.month }, ...kept.raised];
    return kept.raised[0];
  }
  if (first !== "interviews") return undefined;
  kept.interviews = [{ id: id(401), number: "20261201001", version: 1, began_at: kept.now, changed_at: kept.now, sides: {}, state: "called", unit: body.unit, unit_name: names[body.unit], about: body.about, planned_at: body.planned_at, follow_up_at: null, decision: null, acts: [], steps: [] }];
  return kept.interviews[0];
}

/** The lists of open cases and their counts, which follow what happens, and lead to the cases. */
async function looksAtOpenCases(page, fixture) {
  await page.locator('[data-test="live-cases"][data-state="there"]').waitFor();
  assert.equal(await at(page, "trouble-late").locator("b").innerText(), "11");
  assert.equal(await at(page, "live-list").locator("li").count(), 6);
  await at(page, "trouble-bouncing").click();
  await until(page, "both cases that bounce are shown", () => document.querySelectorAll('[data-test="live-list"] li').length === 2);
  await at(page, "trouble-late").click();
  assert.equal(await at(page, "live-group").first().getAttribute("data-code"), "district-water-110101", "where most are late stands first");
  await at(page, "live-by-level").click();
  assert.equal(await at(page, "live-group").count(), 3);
  await at(page, "live-by-district").click();
  assert.equal(await at(page, "live-group").first().locator("a").last().getAttribute("href"), "/cases?view=list&area=110101&late=true");
  await at(page, "live-by-unit").click();
  const before = fixture.supervise.asked.live;
  fixture.supervise.live.all.late = 12;
  for (let turn = 0; turn < 20; turn += 1) fixture.send("case", { ...fixture.supervise.live.late[0], version: turn + 4 });
  await until(page, "what changed is counted anew", () => document.querySelector('[data-test="trouble-late"] b').textContent === "12");
  assert.equal(fixture.supervise.asked.live - before, 1, "twenty changes at once are asked for once");
}

/** A supervisor draws a check; an inspector tells what a visit found. */
async function checks(page, fixture, shoot) {
  await at(page, "tab-checks").click();
  await at(page, "check").waitFor();
  await inBothThemes(page, "the month's checks");
  await shoot(page, "checks-zh-dark");
  await at(page, "check-plan").click();
  assert.equal(await at(page, "plan-month").inputValue(), fixture.supervise.month);
  await at(page, "field-area").selectOption("110101");
  await at(page, "plan-classes").selectOption(["0102", "0402", "0404", "0601"]);
  await at(page, "plan-reason").fill("按月开展");
  await at(page, "plan-visits").fill("151");
  assert.ok(await at(page, "plan-send").isDisabled(), "a plan has 150 visits at most");
  await at(page, "plan-visits").fill("80");
  await isAccessible(page, "the form that draws a check");
  await shoot(page, "check-plan-zh-dark");
  await at(page, "plan-send").click();
  await at(page, "month-check").waitFor();
  assert.deepEqual(fixture.supervise.planned, { month: fixture.supervise.month, classes: ["0102", "0402", "0404", "0601"], visits: 80, reason: "按月开展", area: "110101" });

  await page.locator('[data-test="visit-map"][data-state="ready"]').waitFor();
  assert.equal(await at(page, "visit").count(), 40);
  await inBothThemes(page, "a month's check");
  await fitsPaper(page, "check");
  await shoot(page, "check-zh-dark");
  await at(page, "visits-missed").click();
  assert.equal(await at(page, "visit").count(), 1);
  await at(page, "visits-todo").click();
  const visit = Number(await at(page, "visit").first().getAttribute("data-visit"));
  await at(page, "visit-tell").first().click();
  assert.ok(await at(page, "visit-send").isDisabled(), "nothing found is said, not assumed");
  await at(page, "visit-found").check();
  await at(page, "event-what").fill("路边堆物");
  await at(page, "event-add").click();
  await at(page, "event-case").nth(1).fill("110101202600007");
  await isAccessible(page, "the form of a visit");
  await shoot(page, "visit-zh-dark");
  await at(page, "visit-send").click();
  await at(page, "visit-dialog").waitFor({ state: "detached" });
  const told = fixture.supervise.check.made.at(-1);
  assert.deepEqual([told.visit, told.found.map((one) => one.case_number)], [visit, [null, "110101202600007"]]);
  await at(page, "visits-all").click();
  await page.locator(`[data-test="visit"][data-visit="${visit}"][data-outcome="missed"]`).waitFor();
  await page.goBack();
  await page.goBack();
  await page.locator('[data-test="supervise"][data-view="month"]').waitFor();
}

/** What was published, and publishing; findings that were raised, and the way to an interview. */
async function publishes(page, fixture, shoot) {
  await at(page, "tab-published").click();
  await at(page, "published-row").first().waitFor();
  await at(page, "raised-row").first().waitFor();
  await inBothThemes(page, "published months");
  await shoot(page, "published-zh-dark");
  await at(page, "published-row").nth(1).locator("a").click();
  await at(page, "published-successor").waitFor();
  await inBothThemes(page, "a published month");
  await fitsPaper(page, "published");
  await shoot(page, "published-month-zh-dark");
  assert.equal(await at(page, "published-json").getAttribute("href"), `/api/v1/scores/${id(202)}`);
  await page.goBack();
  await at(page, "publish").click();
  assert.equal(await at(page, "publish-month").inputValue(), monthOf(fixture.now(), -1));
  await isAccessible(page, "the form that publishes");
  await at(page, "publish-send").click();
  await page.locator(`[data-test="published-month"][data-month="${monthOf(fixture.now(), -1)}"]`).waitFor();
  assert.equal(await at(page, "published-successor").count(), 0, "the newest record holds");
  await page.goBack();
  const row = page.locator(`[data-test="raised-row"][data-id="${id(301)}"]`);
  await row.locator("button").click();
  await at(page, "field-planned_at").fill("2030-01-02T09:00");
  await at(page, "field-reason").fill("同一地点反复发生");
  await at(page, "dossier-send").click();
  await at(page, "dossier").waitFor();
  await page.goBack();
  await row.locator('[data-test="raised-interview"]').waitFor();
}

/** The audit: filters in the address, pages, the head, and one that was written down. */
async function audits(page, origin, shoot) {
  await at(page, "tab-audit").click();
  await at(page, "audit-entry").first().waitFor();
  await page.locator('[data-test="audit-head"][data-state="whole"]').waitFor();
  await inBothThemes(page, "the audit");
  await fitsPaper(page, "audit");
  await shoot(page, "audit-zh-dark");
  await at(page, "audit-older").click();
  await page.locator('[data-test="audit-entry"][data-seq="80"]').waitFor();
  await page.goBack();
  await page.locator('[data-test="audit-entry"][data-seq="130"]').waitFor();
  await at(page, "audit-what").selectOption("contact");
  await until(page, "only reads in clear are listed", () => [...document.querySelectorAll('[data-test="audit-entry"]')].every((row) => row.dataset.what === "contact.read"));
  assert.match(page.url(), /what=contact/);
  await at(page, "audit-by").fill("nobody");
  await at(page, "audit-by").press("Enter");
  await at(page, "audit-entry").first().waitFor({ state: "detached" });
  await page.goto(`${origin}/supervise?view=audit`);
  await at(page, "audit-entry").first().waitFor();
  await at(page, "audit-written").fill(`129:${hash("another")}`);
  await at(page, "audit-compare").click();
  await page.locator('[data-test="audit-head"][data-state="broken"]').waitFor();
  await isAccessible(page, "a chain that is broken");
  await at(page, "audit-written").fill(`129:${hash("h129")}`);
  await at(page, "audit-compare").click();
  await page.locator('[data-test="audit-head"][data-state="whole"]').waitFor();
}

/** All of it by somebody who supervises the whole city, makes visits, and keeps accounts. */
export async function supervises(page, fixture, origin, shoot) {
  fixture.roles = ["supervisor", "inspector", "administrator"];
  fixture.supervise = makeSupervise(fixture.now(), fixture.city);
  await page.goto(`${origin}/supervise`);
  await at(page, "kpis").waitFor();
  await looksAtOpenCases(page, fixture);
  await inBothThemes(page, "/supervise");
  await shoot(page, "supervise-zh-dark");
  await at(page, "month-before").click();
  await page.locator(`[data-test="month-view"][data-month="${monthOf(fixture.now(), -1)}"]`).waitFor();
  await at(page, "finding-raised").waitFor();
  await at(page, "month-before").click();
  await at(page, "finding-raise").click();
  await isAccessible(page, "the form that raises a finding");
  await at(page, "raise-send").click();
  await at(page, "finding-raised").waitFor();
  await checks(page, fixture, shoot);
  await publishes(page, fixture, shoot);
  await audits(page, origin, shoot);
  await switchesLanguage(page);
  await isAccessible(page, "the audit, in English");
  await shoot(page, "audit-en-dark");
  // Who supervises nothing is offered neither, and is told so where a link leads there.
  fixture.roles = ["operator"];
  await page.goto(`${origin}/supervise`);
  await at(page, "tab-published").waitFor();
  assert.deepEqual([await at(page, "tab-checks").count(), await at(page, "tab-audit").count()], [0, 0]);
}

/** The same against the real program: a check is drawn and visited, a month is published, and the audit has all of it. */
export async function keepsRecords(sue, iris, origin, folder) {
  await sue.goto(`${origin}/supervise?view=checks`);
  await at(sue, "check-plan").click();
  await at(sue, "field-area").selectOption("110101");
  await at(sue, "plan-classes").selectOption(["0402"]);
  await at(sue, "plan-visits").fill("20");
  await at(sue, "plan-reason").fill("按月开展");
  await at(sue, "plan-send").click();
  await at(sue, "visit").first().waitFor();
  const path = new URL(sue.url()).pathname;

  await iris.goto(origin + path);
  const told = async (fill, outcome) => {
    await at(iris, "visit-tell").first().click();
    await fill();
    await at(iris, "visit-send").click();
    await at(iris, "visit-dialog").waitFor({ state: "detached" });
    await iris.locator(`[data-test="visit"][data-outcome="${outcome}"]`).waitFor();
  };
  await told(() => at(iris, "visit-nothing").check(), "nothing");
  await told(async () => {
    await at(iris, "visit-found").check();
    await at(iris, "event-what").fill("雨水口堵塞，积水");
  }, "missed");
  assert.match(await at(iris, "check-row").first().innerText(), /2 \/ \d+ 次\s+1\s+1\s+100%/, "one of one was missed");

  await sue.goto(`${origin}/supervise?view=published`);
  await at(sue, "publish").click();
  await at(sue, "publish-send").click();
  await at(sue, "published-month").waitFor();
  // The command that the page shows derives it again from the log alone.
  const [, ...words] = (await at(sue, "published-month").locator(".copy code").last().innerText()).split(/\s+/);
  assert.deepEqual(words.slice(0, 2), ["supervise", "score"]);
  const { stderr, status } = spawnSync(BINARY, [...words, "--data-dir", folder], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /equal to what was published/);

  await sue.goto(`${origin}/supervise?view=audit&what=month-check`);
  await sue.locator('[data-test="audit-entry"][data-what="month-check.visited"]').first().waitFor();
  assert.match(await at(sue, "audit-entry").first().innerText(), /iris/);
  await sue.locator('[data-test="audit-head"][data-state="whole"]').waitFor();
  await inBothThemes(sue, "the audit of a real city");
}
