/** What the made-up city says of its cases and of what was measured, and what an analyst sees of it. */
import assert from "node:assert/strict";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { METRICS, reading } from "./city.mjs";
import { switchesLanguage, until } from "./steps.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** History begins so long ago, and nobody measured on two days of each month. */
const KEPT = 800 * DAY;

const RULES = [
  { rule: "waste.overflow", real: 10, not_found: 6, duplicates: 2, unknown: 1, precision: 0.625, precision_interval: { low: 0.386, high: 0.815 } },
  { rule: "drainage.ponding", real: 42, not_found: 3, duplicates: 5, unknown: 4, precision: 0.9333, precision_interval: { low: 0.821, high: 0.977 } },
  { rule: "air.smog", real: 0, not_found: 0, duplicates: 0, unknown: 3, precision: null, precision_interval: null },
];
const CLASSES = [
  { class: "0402", rules: ["drainage.ponding"], told: 42, missed: 5, unwatched: 8, recall: 0.8936, recall_interval: { low: 0.774, high: 0.954 } },
  { class: "0105", rules: ["waste.overflow"], told: 0, missed: 0, unwatched: 4, recall: null, recall_interval: null },
];
const TITLES = { "waste.overflow": { zh: "垃圾桶满溢", en: "Bin overflowing" }, "drainage.ponding": { zh: "路面积水", en: "Ponding on the road" }, "air.smog": { zh: "重污染过程", en: "Smog episode" } };
const NAMES = { "0402": { zh: "道路积水、排水管冒溢", en: "Water on the road" }, "0105": { zh: "垃圾满溢", en: "Waste overflows" } };

function caseRow(number, now) {
  return { id: `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`, number: `110101000020260301${String(number).padStart(3, "0")}`, version: 1, state: "rejected", is_open: false, is_late: false, class: "0105", class_name: NAMES["0105"], title: "垃圾桶满溢", title_by_language: TITLES["waste.overflow"], severity: "minor", domain: "waste", district: "110101", subdistrict: "110101007", place_name: { zh: "东城区朝阳门街道", en: "Chaoyangmen, Dongcheng" }, lon: null, lat: null, unit: null, unit_name: {}, parent: null, reported_at: now - number * HOUR, changed_at: now, due_at: null, warn_at: null, bounces: 0 };
}

function measuring(city, metric, area) {
  const domain = Object.keys(METRICS).find((one) => METRICS[one].some(([name]) => name === metric));
  return city.sensors.filter((one) => one.domain === domain && (!area || one.district === area || one.subdistrict === area));
}

/** A season on top of the days, so that last year is not as this one. */
function areaSeries(city, now, asked) {
  const [metric, area] = [asked.get("metric"), asked.get("area")];
  const row = Object.values(METRICS).flat().find(([name]) => name === metric);
  const sensors = measuring(city, metric, area);
  const [from, to] = [Number(asked.get("from")), Number(asked.get("to"))];
  const least = (to - from) / Number(asked.get("points") ?? 400);
  const step = [300_000, 600_000, 1_800_000, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY].find((one) => one >= least) ?? 7 * DAY;
  const points = [];
  for (let time = Math.floor(from / step) * step; time < Math.min(to, now); time += step) {
    if (time < now - KEPT || Math.floor(time / DAY) % 30 < 2 || sensors.length === 0) continue;
    const mean = reading(row, time, 1) * (1 + 0.25 * Math.sin(time / (58 * DAY)));
    points.push([time, mean, mean * 0.7, mean * 1.25, sensors.length * Math.round(step / 300_000), sensors.length - (Math.floor(time / step) % 3)]);
  }
  return { area, metric, unit: row?.[1] ?? null, from, to, step_ms: step, sensors: sensors.length, left_out: 0, points };
}

/** Answers to GET. */
export function analysisOf(city, [first, what, which], asked, now) {
  if (first === "series") {
    if (what === undefined) return areaSeries(city, now, asked);
    const counted = Object.values(METRICS).flat().map(([metric, unit]) => ({ metric, unit, sensors: measuring(city, metric, asked.get("area")).length }));
    return { items: counted.filter((one) => one.sensors > 0).sort((a, b) => (a.metric < b.metric ? -1 : 1)) };
  }
  const stretch = { from: Number(asked.get("from")), to: Number(asked.get("to")) };
  if (what === "hotspots") return { ...stretch, level: "subdistrict", per_sensor: false, compared: 300, compared_least: 30, neighbours: 8, false_share: 0.05, incidents: 0, elsewhere: 0, items: [], left_out: 0 };
  if (what !== "verdicts") return undefined;
  if (which === "cases") return { items: Array.from({ length: asked.get("rule") === "waste.overflow" ? 6 : 0 }, (_, index) => caseRow(index + 1, now)), left_out: 0 };
  return { ...stretch, rules: asked.get("domain") === "air" ? RULES.slice(2) : RULES, classes: asked.get("domain") === "air" ? [] : CLASSES, titles: TITLES, names: NAMES };
}

/** Gives an incident to somebody. */
export async function assigns(fixture, incident, request) {
  let said = "";
  for await (const piece of request) said += piece;
  const { to, reason } = JSON.parse(said);
  incident.given = [...(incident.given ?? []), { act: "assigned", by: "admin", at: fixture.moment(), note: reason, to }];
  fixture.change(incident, { assignee: to });
  return incident;
}

/** Precision and recall with what they are of; nothing where there is no denominator; the cases behind a figure. */
async function judgesRules(page, origin, shoot) {
  await page.goto(`${origin}/analyze`);
  await at(page, "view-verdicts").click();
  await page.waitForURL(/view=verdicts/);
  const row = (rule) => page.locator(`[data-test="rule-verdict"][data-rule="${rule}"]`);
  await row("waste.overflow").waitFor();
  assert.match(await row("waste.overflow").innerText(), /62\.5%\s+10\/16\s+38\.6% – 81\.5%/);
  assert.match(await row("air.smog").innerText(), /暂无结论/);
  assert.equal(await row("air.smog").locator("svg").count(), 0, "without a denominator nothing is drawn");
  assert.match(await page.locator('[data-test="class-verdict"][data-class="0402"]').innerText(), /42\/47/);
  await inBothThemes(page, "verdicts");
  await shoot(page, "verdicts-zh-dark");
  await row("waste.overflow").locator('[data-test="figure-not_found"]').focus();
  await page.keyboard.press("Enter");
  await at(page, "verdict-case").first().waitFor();
  assert.equal(await at(page, "verdict-case").count(), 6, "as many as the figure says");
  assert.match(await at(page, "verdict-case").first().locator("a").getAttribute("href"), /^\/cases\/0{8}-/);
  await isAccessible(page, "the cases behind a figure");
  await shoot(page, "verdict-cases-zh-dark");
  await page.keyboard.press("Escape");
  await at(page, "verdict-cases").waitFor({ state: "detached" });
}

const there = (page, what, wanted) => until(page, what, ([beside, least]) => {
  const { state, points, beside: is } = document.querySelector('[data-test="history"]')?.dataset ?? {};
  return state === "there" && Number(points) >= least && is === beside;
}, wanted);

/** Any metric, any area, any period, beside the same one before. */
async function looksBack(page, fixture, origin, shoot) {
  await page.goto(`${origin}/analyze`);
  await at(page, "view-history").click();
  await there(page, "a day of the city beside last week's and last year's", ["week year", 100]);
  await at(page, "history-metric").selectOption("level_m");
  await page.waitForURL(/metric=level_m/);
  await at(page, "history-district").selectOption("110105");
  await at(page, "span-week").click();
  await there(page, "a week of a district", ["week year", 100]);
  assert.equal(await at(page, "history-row").count(), 3);
  const text = await page.locator('[data-period="week"]').innerText();
  assert.match(text, /m \([+−][\d.]+%\)/, "how far this period is from the one before");
  await inBothThemes(page, "history");
  await shoot(page, "history-week-zh-dark");
  await at(page, "beside-week").uncheck();
  await at(page, "span-year").click();
  await there(page, "a year, beside last year alone", ["year", 300]);
  await shoot(page, "history-year-zh-dark");
  await at(page, "span-own").click();
  await page.getByText("请选择开始和结束日期").waitFor();
  const day = (back) => new Date(fixture.now() - back * DAY + 8 * HOUR).toISOString().slice(0, 10);
  await at(page, "history-from").fill(day(9));
  await at(page, "history-until").fill(day(4));
  await there(page, "days of one's own", ["week year", 20]);
  const kept = page.url();
  await page.goto(`${origin}/`);
  await page.goto(kept);
  await there(page, "an address is kept", ["week year", 20]);
  const sensor = fixture.city.sensors.find((one) => one.domain === "drainage" && one.state === "online");
  await at(page, "by-sensor").click();
  await at(page, "history-sensor").fill(sensor.id);
  await page.keyboard.press("Enter");
  await page.waitForURL(/sensor=/);
  await at(page, "span-day").click();
  await there(page, "a day of a sensor", ["week year", 100]);
  await inBothThemes(page, "history of a sensor");
  await switchesLanguage(page);
  await shoot(page, "history-sensor-en-dark");
  await switchesLanguage(page);
  await at(page, "history-sensor").fill("nobody");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  page.faults = page.faults.filter((fault) => !/status of 404/.test(fault));
}

/** Gives an incident to somebody with a reason, and reads it in its timeline. */
async function givesWithAReason(page, fixture, origin, shoot) {
  const incident = fixture.city.incidents.find((one) => one.state === "open");
  await page.goto(`${origin}/incidents/${incident.id}`);
  await at(page, "assign").click();
  await at(page, "assign-to").fill("ben");
  await at(page, "assign-reason").fill("离现场最近");
  await isAccessible(page, "the dialog that assigns");
  await shoot(page, "assign-zh-dark");
  await at(page, "assign-send").click();
  await at(page, "assignee").waitFor();
  await at(page, "act-to").waitFor();
  assert.match(await at(page, "timeline").innerText(), /已指派[^]*给 ben[^]*离现场最近/);
  await shoot(page, "assigned-zh-dark");
}

/** All of that in turn. */
export async function analyses(page, fixture, origin, shoot) {
  await judgesRules(page, origin, shoot);
  await looksBack(page, fixture, origin, shoot);
  await givesWithAReason(page, fixture, origin, shoot);
}
