/** The city as it is now: areas, roads, coverage, feeds, windows of maintenance and the map's layers; and what the made-up city says of them. */
import assert from "node:assert/strict";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { mapReady } from "./browser.mjs";
import { CELLS } from "./city.mjs";
import { until } from "./steps.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);
const STATES = ["online", "silent", "stuck", "never"];
const HOUR = 3_600_000;

// What the made-up city says.

/** The subdistricts with their coverage, as the rules stage would tell it; those where nothing was heard are unknown. */
export function perceivedAreas(fixture) {
  const { city } = fixture;
  return city.subdistricts.map(({ properties }) => {
    const sensors = city.sensors.filter((one) => one.subdistrict === properties.code);
    const of = (state) => sensors.filter((one) => one.state === state).length;
    const [reporting, silent] = [of("online") + of("stuck"), of("silent")];
    const share = reporting / (reporting + silent);
    const known = { reporting, silent, class: share >= 0.9 ? "full" : share >= 0.5 ? "partial" : share > 0 ? "poor" : "none", since: fixture.now() - 5 * HOUR };
    return { ...properties, coverage: reporting + silent > 0 ? known : null };
  });
}

/** Codes of the made-up cells of a subdistrict, and how each is watched. */
function cellsIn(city, within) {
  const sensors = city.sensors.filter((one) => one.subdistrict === within);
  return Array.from({ length: CELLS }, (_, at) => `${within}-${at + 1}`).map((code) => {
    const own = sensors.filter((one) => one.cell === code);
    const online = own.filter((one) => one.state === "online").length;
    return { code, parent: within, watch: own.length === 0 ? "bare" : online === 0 ? "quiet" : "watched", sensors: own.length, online };
  });
}

/** How many cells are how, of subdistricts together. */
function cellCounts(city, subdistricts) {
  const cells = subdistricts.flatMap((code) => cellsIn(city, code));
  return Object.fromEntries(["watched", "quiet", "bare"].map((watch) => [watch, cells.filter((one) => one.watch === watch).length]));
}

export function cellsOf(city, asked) {
  const fit = cellsIn(city, asked.get("within")).filter((one) => !asked.get("watch") || one.watch === asked.get("watch"));
  const limit = Number(asked.get("limit") ?? 100);
  return { items: fit.slice(0, limit), next: fit.length > limit ? fit[limit - 1].code : null };
}

/** The roads: where most time is lost first, at the end one of which nothing is known. */
export function roadsOf(city, now, asked) {
  const loops = city.sensors.filter((one) => one.last.speed_kmh && (!asked.get("area") || one.district === asked.get("area")));
  const items = loops.map((one, at) => {
    const [name, road_class, subdistricts] = [`${one.subdistrict}-R${String(at + 1).padStart(4, "0")}`, at % 2 === 0 ? "main" : "branch", [one.subdistrict]];
    if (at === 0) return { name, road_class, subdistricts, detectors: 2, heard: 0, flow: null };
    const delay_ratio = Math.max(0, 1 - one.last.speed_kmh.value / 60);
    const traffic_index = delay_ratio < 0.3 ? delay_ratio / 0.15 : Math.min(10, 2 + (delay_ratio - 0.3) * 11.4);
    return { name, road_class, subdistricts, detectors: 2, heard: 1 + (at % 2), flow: { speed_kmh: one.last.speed_kmh.value, free_flow_kmh: 60, delay_ratio, traffic_index, traffic_class: Math.min(5, 1 + Math.floor(traffic_index / 2)), heard_at: now } };
  });
  items.sort((a, b) => (b.flow?.delay_ratio ?? -1) - (a.flow?.delay_ratio ?? -1));
  const classes = [1, 2, 3, 4, 5].map((which) => items.filter((one) => one.flow?.traffic_class === which).length);
  return { now_at: now, total: items.length, classes, unknown: items.filter((one) => one.flow === null).length, items: items.slice(0, Number(asked.get("limit") ?? 100)) };
}

/** Windows of maintenance that are not over, or that are. */
export function planned(fixture, over) {
  return { items: fixture.maintenance.filter((one) => (one.ended_by !== null || one.until <= fixture.now()) === over) };
}

/** The feeds by domain. */
export function perceivedBy(fixture, area) {
  const now = fixture.now();
  const isIn = (one, code) => [one.id, one.district, one.subdistrict].includes(code);
  const targets = planned(fixture, false).items.filter((one) => one.kind !== "rule" && one.from <= now).map((one) => one.target);
  const sensors = fixture.city.sensors.filter((one) => !area || isIn(one, area));
  const bounds = [1, 5, 15, 60, 360].map((minutes) => 60_000 * minutes);
  const items = ["air", "drainage", "traffic", "waste"].flatMap((domain) => {
    const own = sensors.filter((one) => one.domain === domain);
    if (own.length === 0) return [];
    const old = own.filter((one) => one.heard_at !== null).map((one) => now - one.heard_at);
    const ages = [...bounds, null].map((up_to_ms, row) => ({ up_to_ms, sensors: old.filter((age) => age <= (up_to_ms ?? Infinity) && (row === 0 || age > bounds[row - 1])).length }));
    const counts = Object.fromEntries(STATES.map((state) => [state, own.filter((one) => one.state === state).length]));
    return [{
      domain, sensors: { total: own.length, ...counts }, out_of_range: own.filter((one) => one.out_of_range_at).length, maintenance: own.filter((one) => targets.some((code) => isIn(one, code))).length,
      heard_at: old.length > 0 ? now - Math.min(...old) : null, ages, delay: domain === "waste" ? null : { median_ms: 400, p95_ms: 12_000, sensors: own.length },
    }];
  });
  return { now_at: now, items };
}

/** Plans a window, or ends one. */
export function plans(fixture, id, body) {
  const now = fixture.now();
  if (id === undefined) {
    const place = fixture.city.sensors.find((one) => one.id === body.target) ?? { district: body.target.slice(0, 6), subdistrict: body.target.length > 6 ? body.target : null };
    const made = { id: `window-${fixture.maintenance.length}`, ...body, from: body.from ?? now, district: place.district, subdistrict: place.subdistrict, by: "admin", at: now, ended_by: null, end_reason: null };
    fixture.maintenance.push(made);
    return made;
  }
  const held = fixture.maintenance.find((one) => one.id === id && one.ended_by === null);
  return held && Object.assign(held, { until: now, ended_by: "admin", end_reason: body.reason });
}

// The story.

/** The areas now: the city and its districts, one of them unfolded. */
async function seesTheAreas(page, fixture, shoot) {
  await at(page, "nav-perceive").click();
  await page.locator('[data-test="areas-now"][data-state="there"]').waitFor();
  assert.equal(await at(page, "area-row").count(), 16);
  const row = page.locator('[data-test="area-row"][data-code="110105"]');
  assert.match(await row.innerText(), /朝阳区/);
  const bins = fixture.city.sensors.filter((one) => one.district === "110105" && one.last.fill_ratio);
  const due = bins.filter((one) => one.last.fill_ratio.value >= 0.8).length;
  assert.match(await row.locator('[data-test="bins"]').innerText(), new RegExp(`^${due} / ${bins.length}`));
  await row.locator("button").click();
  assert.equal(await row.locator("button").getAttribute("aria-expanded"), "true");
  const parts = fixture.city.subdistricts.filter((one) => one.properties.parent === "110105").length;
  assert.equal(await at(page, "area-part").count(), parts);
  await inBothThemes(page, "the areas now");
  await shoot(page, "perceive-areas");
}

/** The roads of the city and of one district, the most congested first. */
async function seesTheRoads(page, fixture, shoot) {
  const roads = (area) => roadsOf(fixture.city, fixture.now(), new URLSearchParams({ area, limit: "200" }));
  await at(page, "tab-roads").click();
  await page.locator('[data-test="roads"][data-state="there"]').waitFor();
  assert.equal(await at(page, "road").count(), roads("").items.length);
  const index = async (row) => Number(await row.locator("b").innerText());
  assert.ok((await index(at(page, "road").first())) >= (await index(at(page, "road").nth(1))), "the most congested stands first");
  assert.equal(await at(page, "roads-unknown").locator("b").innerText(), "1", "what is not known is not free");
  await inBothThemes(page, "the roads");
  await shoot(page, "perceive-roads");
  const { district } = fixture.city.sensors.find((one) => one.last.speed_kmh);
  await at(page, "roads-area").selectOption(district);
  await until(page, "only its roads are listed", (count) => document.querySelectorAll('[data-test="road"]').length === count, roads(district).items.length);
  assert.match(await at(page, "road").last().innerText(), /未知/);
}

/** Coverage: one class alone, a subdistrict with its domains, its sensors. */
async function seesTheCoverage(page, fixture, shoot) {
  await at(page, "tab-coverage").click();
  await page.locator('[data-test="coverage-view"][data-state="there"]').waitFor();
  await mapReady(page, "coverage-map");
  const areas = perceivedAreas(fixture);
  const unknown = areas.filter((one) => one.coverage === null).length;
  assert.ok(unknown > 0);
  await until(page, "the unknown ones are counted", (count) => document.querySelector('[data-test="class-unknown"] b').textContent === String(count), unknown);
  await at(page, "class-unknown").click();
  assert.deepEqual(await page.locator('[data-test="coverage-row"]:not([data-class="unknown"])').count(), 0);
  assert.equal(await at(page, "coverage-row").count(), unknown);
  await at(page, "class-unknown").click();
  await page.locator('[data-test="coverage-district"][data-code="110101"] button').click();
  const one = areas.find((area) => area.parent === "110101" && area.coverage);
  const row = page.locator(`[data-test="coverage-row"][data-code="${one.code}"]`);
  assert.equal(await row.getAttribute("data-class"), one.coverage.class);
  await row.locator("button").click();
  await at(page, "area-feeds").locator("li").first().waitFor();
  const { watched, quiet, bare } = cellCounts(fixture.city, [one.code]);
  assert.ok(watched > 0 && bare > 0 && watched + quiet + bare === 12);
  assert.match(await at(page, "area-cells").innerText(), new RegExp(`有传感器在线 ${watched} 个[^]*没有传感器 ${bare} 个`));
  await page.locator('[data-test="area-bare"]', { hasText: cellsOf(fixture.city, new URLSearchParams({ within: one.code, watch: "bare" })).items[0].code }).waitFor();
  assert.equal(await row.locator('[data-test="cells-unwatched"]').innerText(), `${quiet + bare} / 12`);
  const ofDistrict = cellCounts(fixture.city, areas.filter((area) => area.parent === "110101").map((area) => area.code));
  assert.match(await page.locator('[data-test="coverage-district"][data-code="110101"] [data-test="cells-unwatched"]').innerText(), new RegExp(`^${ofDistrict.quiet + ofDistrict.bare} /`));
  await inBothThemes(page, "coverage");
  await shoot(page, "perceive-coverage");
  await at(page, "area-feeds").locator("a").click();
  const sensors = fixture.city.sensors.filter((sensor) => sensor.subdistrict === one.code).length;
  await until(page, "its sensors are listed", (count) => document.querySelectorAll('[data-test="sensor-row"]').length === count, sensors);
}

/** The feeds, and the sensors that one of their figures is of. */
async function seesTheFeeds(page, fixture, shoot) {
  await at(page, "tab-feeds").click();
  await page.locator('[data-test="feeds"][data-state="there"]').waitFor();
  assert.equal(await at(page, "feed").count(), 4);
  await inBothThemes(page, "the feeds");
  await shoot(page, "perceive-feeds");
  const air = fixture.city.sensors.filter((one) => one.domain === "air");
  await page.locator('[data-test="feed"][data-domain="air"] [data-test="feed-silent"]').click();
  const silent = air.filter((one) => one.state === "silent").length;
  await until(page, "the silent ones are listed", (count) => document.querySelectorAll('[data-test="sensor-row"]').length === count, silent);
  assert.equal(await at(page, "sensor-state").inputValue(), "silent");
  await page.goBack();
  await page.locator('[data-test="feed"][data-domain="air"] [data-test="feed-out-of-range"]').click();
  const out = air.filter((one) => one.out_of_range_at).length;
  await until(page, "those out of range are listed", (count) => document.querySelectorAll('[data-test="sensor-row"]').length === count, out);
}

/** Plans maintenance of an area and of a sensor, sees it on the sensor's page, and ends it. */
async function maintains(page, fixture, origin, shoot) {
  await at(page, "tab-maintenance").click();
  await page.locator('[data-test="maintenance"][data-state="there"]').waitFor();
  await at(page, "maintenance-plan").click();
  await at(page, "maintenance-plan-dialog").waitFor();
  assert.ok(await at(page, "maintenance-plan-send").isDisabled());
  await at(page, "plan-area").click();
  await at(page, "field-area").selectOption("110105");
  await at(page, "plan-8h").click();
  await at(page, "plan-reason").fill("主干管清淤");
  await isAccessible(page, "the dialog that plans maintenance");
  await shoot(page, "perceive-plan");
  await at(page, "maintenance-plan-send").click();
  await page.locator('[data-test="maintenance-row"][data-target="110105"]').waitFor();
  await inBothThemes(page, "maintenance");
  const sensor = fixture.city.sensors.find((one) => one.district === "110101" && one.state === "online");
  await page.goto(`${origin}/sensors/${sensor.id}`);
  await page.locator('[data-test="sensor-maintenance"][data-count="0"]').waitFor();
  await at(page, "sensor-plan").click();
  assert.equal(await at(page, "plan-target").inputValue(), sensor.id);
  await at(page, "plan-reason").fill("更换探头");
  await at(page, "maintenance-plan-send").click();
  await at(page, "sensor-held").waitFor();
  await at(page, "in-maintenance").waitFor();
  assert.match(await at(page, "sensor-held").innerText(), /admin[^]*更换探头/);
  await inBothThemes(page, "a sensor in maintenance");
  await shoot(page, "perceive-sensor");
  await at(page, "sensor-end").click();
  await at(page, "maintenance-end-note").fill("提前完成");
  await at(page, "maintenance-end-send").click();
  await at(page, "in-maintenance").waitFor({ state: "detached" });
  await page.goto(`${origin}/perceive/maintenance`);
  await at(page, "maintenance-over").click();
  assert.match(await page.locator(`[data-test="maintenance-row"][data-target="${sensor.id}"]`).innerText(), /提前完成/);
  await shoot(page, "perceive-maintenance");
}

/** The overview's layers by keyboard; the browser remembers them. */
async function choosesLayers(page, origin, shoot) {
  await page.goto(origin);
  await mapReady(page);
  await at(page, "layer-coverage").focus();
  await page.keyboard.press("Space");
  await at(page, "coverage-legend").locator("li").nth(4).waitFor();
  await at(page, "layer-heat").check();
  await at(page, "layer-cell").check();
  await page.getByText("没有登记网格边界").waitFor();
  await at(page, "layer-subdistrict").uncheck();
  await inBothThemes(page, "the map's layers");
  await shoot(page, "perceive-layers");
  await page.reload();
  await mapReady(page);
  await at(page, "coverage-legend").waitFor();
  assert.ok(await at(page, "layer-heat").isChecked() && !(await at(page, "layer-subdistrict").isChecked()), "the browser remembers the layers");
}

/** Where sensors lie close one circle stands for them: it is told what it says, and a click on it goes nearer. */
export async function comesNearer(page, fixture, origin, shoot) {
  await page.goto(origin);
  await mapReady(page);
  const map = at(page, "map");
  await page.waitForFunction((all) => document.querySelector('[data-test="map"]')?.dataset.sensors === String(all), fixture.city.sensors.length);
  await at(page, "clusters").waitFor();
  await shoot(page, "perceive-clusters");
  const zoom = async () => Number(await map.getAttribute("data-zoom"));
  const [before, { x, y, width, height }] = [await zoom(), await map.boundingBox()];
  for (let try_ = 0; try_ < 40 && (await zoom()) === before; try_ += 1) {
    await page.mouse.click(x + width * 0.6 + (try_ % 8) * 5, y + height * 0.6 + Math.floor(try_ / 8) * 5);
    // A way of 300 ms begins or does not.
    await page.waitForFunction((at) => document.querySelector('[data-test="map"]').dataset.zoom !== at, String(before), { timeout: 1_000 }).catch(() => undefined);
  }
  assert.ok((await zoom()) > before + 1.5, `a circle was clicked at zoom ${before}, and it is ${await zoom()}`);
  await shoot(page, "perceive-nearer");
}

export async function perceives(page, fixture, origin, shoot) {
  await page.goto(origin);
  fixture.still = true;
  await seesTheAreas(page, fixture, shoot);
  await seesTheRoads(page, fixture, shoot);
  fixture.still = false;
  await seesTheCoverage(page, fixture, shoot);
  await seesTheFeeds(page, fixture, shoot);
  await maintains(page, fixture, origin, shoot);
  await choosesLayers(page, origin, shoot);
}
