/** What citizens said and what everybody may see, as the made-up city has it; and what the desk and a citizen do there. */
import assert from "node:assert/strict";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { switchesLanguage, until } from "./steps.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);
const HOUR = 3_600_000;
const CLASSES = [["0102", "暴露垃圾", "Rubbish lying about"], ["0402", "道路积水、排水管冒溢", "Water on a road, a sewer that runs over"], ["0501", "占道经营", "Selling on the road"]].map(([code, zh, en]) => ({ class: code, name: { zh, en } }));
const JOINED = "0c000000-0000-5000-8000-000000000002";
const OUTSIDE = "0c000000-0000-5000-8000-000000000001";

/** What the fixture keeps of serve. */
export function makeDesk(now, incidents = []) {
  const place = { district: "110101", subdistrict: "110101007", place_name: { zh: "东城区朝阳门街道", en: "Chaoyangmen, Dongcheng" }, lon: 116.43, lat: 39.92 };
  const appeal = (number, more) => {
    const of = CLASSES.find((one) => one.class === (more.class ?? "0402"));
    return {
      number: `20260302${String(number).padStart(5, "0")}`, received_at: now - (60 - number) * 17 * 60_000, channel: "page", reference: null, class: of.class, class_name: of.name, text: "路面积水没过路沿，车辆绕行。", danger: false, ...place,
      case: `ca000000-0000-5000-8000-0000000000${10 + (number % 80)}`, case_number: `11010120260302${String(number).padStart(5, "0")}`, state: "reported", is_open: true, is_late: false, unit: null, unit_name: {},
      next: { text: { zh: "核实情况，属实即立案", en: "Somebody looks at it and takes it up." }, by: now + 20 * 60_000 }, follows: false, merged: false, name: null, phone: null, email: null, satisfied: null, solved: null, ...more,
    };
  };
  const done = { state: "closed", is_open: false, next: null };
  const unit = { unit: "district-water-110101", unit_name: { zh: "东城区水务局", en: "Water authority, Dongcheng" } };
  const many = Array.from({ length: 52 }, (_, at) => appeal(at + 1, { ...done, ...unit, channel: ["page", "hotline", "wechat"][at % 3] }));
  const rows = [
    ...many,
    appeal(53, { ...done, ...unit, satisfied: "no", solved: false, channel: "wechat" }),
    appeal(54, { channel: "open311", email: "z***@example.com", class: "0102", text: "垃圾无人清理，已经三天，居民多次反映未果。".repeat(7) }),
    appeal(55, { follows: true, state: "handling", ...unit, next: { text: { zh: "办结", en: "It is to be done." }, by: now + 3 * HOUR } }),
    appeal(56, { merged: true, state: "handling", ...unit, next: { text: { zh: "办结", en: "It is to be done." }, by: now + 3 * HOUR } }),
    appeal(57, { channel: "hotline", reference: "12345-20260302-0031", danger: true, state: "handling", is_late: true, ...unit, name: "张*", phone: "138****5678", next: { text: { zh: "办结", en: "It is to be done." }, by: now - 25 * 60_000 } }),
  ];
  const outside = {
    id: OUTSIDE, number: "1101012026030200044", version: 3, state: "outside", is_open: true, is_late: false, class: "0501", class_name: CLASSES[2].name, title: "小区内停车位被占用", title_by_language: {}, description: "业主反映地下车库固定车位被他人长期占用。", severity: "moderate", domain: null, ...place, unit: null, unit_name: {}, parent: null, reported_at: now - 2 * HOUR, changed_at: now - HOUR, due_at: null, warn_at: null, bounces: 0,
    source: "citizen", rule: null, key: null, incidents: [], clocks: [], used_ms: [], limit_ms: [], segments: [], counts: {}, whistles: [], missed: [], tasks: [], parts: {}, evidence: [], evidence_after: [], proposal: null, duplicate_of: null, score: null, asked: null, registered_at: null, closed_at: null, suspended_until: null, climbed_to: null, in_order: false, acts: ["review-outside", "note"],
    steps: [{ version: 1, at: now - 2 * HOUR, by: { name: "citizen/2026030200058" }, step: "reported" }, { version: 2, at: now - HOUR, by: { name: "olga", side: "supervision" }, step: "put_outside", reason: "小区内部车位由业主与物业约定，不属城市管理职责。", where_to: "物业服务中心；协商不成可向街道司法所申请调解。" }],
  };
  const joined = { ...outside, id: JOINED, number: "1101012026030200045", version: 3, state: "reported", class: "0402", class_name: CLASSES[1].name, title: "路面积水没过路沿", description: "", incidents, acts: ["verify", "separate", "note"], steps: [outside.steps[0], { version: 2, at: now - HOUR, by: { name: "citywatch" }, step: "joined", incident: incidents[0] }] };
  const servers = [
    { url: "https://open311.neighbour.example/v2", pulled_at: now - 90_000, failed_at: null, error: null, taken: 41, refused: 2 },
    { url: "https://311.elsewhere.example", pulled_at: now - 26 * HOUR, failed_at: now - 10 * 60_000, error: "it did not answer within 15 seconds", taken: 7, refused: 0 },
  ];
  const refused = [{ refused_at: now - HOUR, by: "olga", line: 4, reason: "there is no class \"9999\"", text: "H3,9999,什么都没有,116.35,39.9,,,,王五,13900002222" }];
  return { rows: rows.reverse(), outside, joined, servers, refused, calls: [], revealed: [] };
}

function listed(desk, asked) {
  const [state, channel, of, area, text] = ["state", "channel", "class", "area", "text"].map((name) => asked.get(name) ?? "");
  const stands = { open: (row) => row.is_open && !row.merged, over: (row) => !row.is_open, merged: (row) => row.merged, all: () => true }[state] ?? ((row) => row.state === state);
  const rows = desk.rows.filter((row) => stands(row) && (!channel || row.channel === channel) && (!of || row.class === of) && (!area || row.district === area) && (!text || row.text.includes(text) || row.number === text));
  const from = Number(asked.get("cursor") ?? 0);
  return { items: rows.slice(from, from + 50), next: rows.length > from + 50 ? String(from + 50) : null };
}

/** Answers to GET; undefined for what is not of serve. */
export function deskOf(desk, [first, id, third], asked) {
  if (first === "classes") return { items: CLASSES };
  if (first === "open311") return { items: desk.servers };
  if (first === "cases" && id === JOINED) return third === undefined ? desk.joined : { items: [] };
  if (first === "cases" && id === OUTSIDE && third === undefined) return desk.outside;
  if (first === "cases" && id === undefined && asked.get("state") === "outside") return { items: desk.outside.state === "outside" ? [desk.outside] : [], next: null };
  if (first !== "appeals") return undefined;
  if (id === undefined) return listed(desk, asked);
  if (id === "classes") return { items: CLASSES };
  if (id === "near") return { radius_m: 200, items: [] };
  if (id === "refused") return { items: desk.refused };
  if (id === "outside-duty") {
    const counts = { put: 6, upheld: desk.outside.state === "outside" ? 3 : 4, sent_back: 1, asked_again: 1 };
    return { month: "2026-03", period: { from: 0, until: 1 }, ...counts, items: [{ class: "0501", class_name: CLASSES[2].name, ...counts }] };
  }
  if (third === "contact") {
    desk.revealed.push(id);
    return { name: "张三丰", phone: "13812345678", email: "", device: "", account: "" };
  }
  return undefined;
}

/** What is sent: a call, a list, a review. */
export function deskDoes(desk, [first, id, act], said, now) {
  if (first === "appeals" && id === undefined) {
    const call = JSON.parse(said);
    desk.calls.push(call);
    const appeal = { number: "2026030200060", follows: false, merged: false, next: { text: { zh: "核实情况，属实即立案", en: "Somebody looks at it and takes it up." }, by: now + 30 * 60_000 } };
    return { secret: "7K3M-9QXA-2WHB-6RTD", appeal };
  }
  if (first === "appeals" && id === "import") {
    const taken = Array.from({ length: 23 }, (_, at) => ({ reference: `H${at + 1}`, number: `202603020${200 + at}`, secret: "2W3M-9QXA-7KHB-6RTD" }));
    return { taken, merged: 2, known: 4, refused: [{ line: 4, reason: "there is no class \"9999\"" }, { line: 7, reason: "it has 3 fields, and the head 10" }] };
  }
  if (first === "cases" && id === JOINED && act === "separate") {
    const { incident, reason } = JSON.parse(said);
    const steps = [...desk.joined.steps, { version: 4, at: now, by: { name: "admin", side: "supervision" }, step: "separated", incident, reason }];
    return Object.assign(desk.joined, { version: 4, steps, incidents: desk.joined.incidents.filter((one) => one !== incident) });
  }
  if (first === "cases" && id === OUTSIDE && act === "review-outside") {
    const { upheld, note } = JSON.parse(said);
    const put = desk.outside.steps.at(-1);
    const step = { version: 3, at: now, by: { name: "admin", side: "supervision" }, step: "outside_reviewed", upheld, note: note ?? "", reason: put.reason, where_to: put.where_to };
    Object.assign(desk.outside, { state: upheld ? "rejected" : "reported", is_open: !upheld, version: 4, acts: [], steps: [...desk.outside.steps, step] });
    return desk.outside;
  }
  return undefined;
}

/** The open documents of the made-up city. */
export function openDataOf(city, now, document) {
  const [name, format] = document.split(".");
  const time = new Date(now - 120_000).toISOString();
  const districts = (row) => city.districts.map(({ properties }, at) => ({ code: properties.code, name_zh: properties.name.zh, name_en: properties.name.en, ...row(at) }));
  const gauges = (domain, column, of) => city.sensors.filter((one) => one.domain === domain).slice(0, 300).map((one, at) => ({ sensor: one.id, district: one.district, subdistrict: one.subdistrict, state: one.state, [column]: one.state === "online" ? of(at) : null, measured_at: one.state === "online" ? time : null }));
  const documents = {
    air: () => districts((at) => (at === 3 ? { aqi: null, class: null, primary_pollutant: null, hour_ended_at: null } : { aqi: 38 + at * 11, class: 38 + at * 11 <= 50 ? 1 : 38 + at * 11 <= 100 ? 2 : 38 + at * 11 <= 150 ? 3 : 4, primary_pollutant: at > 1 ? "pm2_5_ugm3" : null, hour_ended_at: time })),
    traffic: () => districts((at) => ({ traffic_index: 1 + at * 0.5, class: Math.min(5, 1 + Math.floor((1 + at * 0.5) / 2)), detectors: 20 + at })),
    waterlogging: () => gauges("drainage", "depth_m", (at) => (at % 7) * 0.041),
    bins: () => gauges("waste", "fill_ratio", (at) => 0.2 + (at % 80) / 100),
    scores: () => ["东城", "西城", "朝阳"].map((area, at) => ({ month: "2026-02", peers: "district-water", rank: at + 1, unit: `district-water-${at}`, name_zh: `${area}区水务局`, name_en: `Water authority ${at}`, score: 96.1 - at * 4, low: 92 - at * 4, high: 98 - at * 4, least_n: 40 })),
  };
  const rows = documents[name]?.();
  if (!rows || format !== "geojson") return undefined;
  return { type: "FeatureCollection", features: rows.map((properties) => ({ type: "Feature", geometry: null, properties })) };
}

async function seesAppeals(page, { desk }, shoot) {
  await at(page, "nav-serve").click();
  await at(page, "appeal-row").first().waitFor();
  assert.equal(await at(page, "appeal-row").count(), 3, "what is open, without what is merged");
  const late = page.locator('[data-test="appeal-row"][data-number="2026030200057"]');
  assert.match(await late.innerText(), /热线[^]*12345-20260302-0031[^]*危及安全[^]*逾期[^]*下一步：办结 超时/);
  await late.locator('[data-test="reveal"]').click();
  await until(page, "the contact is in clear", () => document.querySelector('[data-test="contact"]')?.textContent.includes("13812345678"));
  assert.deepEqual(desk.revealed, ["2026030200057"]);
  await inBothThemes(page, "/serve");
  await shoot(page, "serve-zh-dark");
  await page.locator('[data-test="appeal-row"] summary').click();
  await at(page, "appeals-state").selectOption("all");
  await until(page, "the first page is there", () => document.querySelectorAll('[data-test="appeal-row"]').length === 50);
  await at(page, "appeals-more").click();
  await until(page, "and the second", (count) => document.querySelectorAll('[data-test="appeal-row"]').length === count, desk.rows.length);
  await at(page, "appeals-channel").selectOption("open311");
  await until(page, "one came by that way", () => document.querySelectorAll('[data-test="appeal-row"]').length === 1);
  await at(page, "appeals-text").fill("没有这句话");
  await page.keyboard.press("Enter");
  await page.getByText("没有符合条件的诉求").waitFor();
  assert.match(page.url(), /state=all&channel=open311&text=/);
  await page.reload();
  assert.equal(await at(page, "appeals-channel").inputValue(), "open311", "the address keeps what is asked");
  await at(page, "appeals-reset").click();
  await at(page, "appeals-state").selectOption("merged");
  await until(page, "what was merged is told so", () => document.querySelector('[data-test="appeal-row"]')?.textContent.includes("合并办理"));
}

async function takesACall(page, { desk }, shoot) {
  await at(page, "view-call").click();
  await page.locator('[data-test="citizen-map"][data-state="ready"]').waitFor();
  await at(page, "call-class").selectOption("0402");
  await at(page, "call-text").fill("桥下积水，三轮车过不去");
  await at(page, "call-name").fill("李四");
  await at(page, "call-phone").fill("13900001111");
  await at(page, "call-send").click();
  await at(page, "call-told").waitFor();
  await at(page, "citizen-area").selectOption("110101007");
  await isAccessible(page, "taking a call");
  await shoot(page, "serve-call-zh-dark");
  await at(page, "call-send").click();
  await at(page, "call-done").waitFor();
  assert.equal(await at(page, "call-secret").innerText(), "7K3M-9QXA-2WHB-6RTD");
  const { key, ...sent } = desk.calls[0];
  assert.match(key, /^[0-9a-f]{32}$/);
  assert.deepEqual(sent, { class: "0402", text: "桥下积水，三轮车过不去", danger: false, channel: "hotline", area: "110101007", name: "李四", phone: "13900001111" });
  await inBothThemes(page, "a call that was taken");
  await shoot(page, "serve-called-zh-dark");
  await at(page, "call-again").click();
  await at(page, "call").waitFor();
}

async function importsAList(page, shoot) {
  await at(page, "view-lists").click();
  await at(page, "list-file").setInputFiles({ name: "20260302.csv", mimeType: "text/csv", buffer: Buffer.from("reference,class,text\nH1,0402,路面积水\n") });
  await at(page, "list-send").click();
  await at(page, "list-done").waitFor();
  const sums = {};
  for (const name of ["taken", "merged", "known", "refused"]) sums[name] = await at(page, `list-${name}`).innerText();
  assert.deepEqual(sums, { taken: "23", merged: "2", known: "4", refused: "2" });
  assert.match(await at(page, "refused-reason").last().innerText(), /7\s+it has 3 fields/);
  assert.equal(await at(page, "taken-line").count(), 10);
  const saved = page.waitForEvent("download");
  await at(page, "list-save").click();
  assert.equal((await saved).suggestedFilename(), "20260302-numbers.csv");
  await at(page, "refused-look").click();
  await at(page, "refused-line").waitFor();
  await inBothThemes(page, "a list that was imported");
  await shoot(page, "serve-lists-zh-dark");
}

async function reviews(page, { desk }, shoot) {
  await at(page, "view-outside").click();
  await at(page, "outside-case").locator('[data-test="review"]').waitFor();
  assert.match(await at(page, "outside-case").innerText(), /物业服务中心[^]*olga/);
  await inBothThemes(page, "what is put outside our duty");
  await shoot(page, "serve-outside-zh-dark");
  await at(page, "review").click();
  await at(page, "result-upheld").check();
  await at(page, "act-send").click();
  await at(page, "outside-case").waitFor({ state: "detached" });
  assert.equal(desk.outside.state, "rejected");
}

/** An incident that joined a citizen's case and is about something else. */
async function separates(page, { desk }, origin, shoot) {
  const [first, second] = desk.joined.incidents;
  await page.goto(`${origin}/cases/${JOINED}`);
  await page.locator('[data-act="separate"]').click();
  await at(page, "act-dialog").waitFor();
  await page.locator('[data-test="act-dialog"] [data-test="field-incident"]').nth(1).check();
  assert.ok(await at(page, "act-send").isDisabled(), "without a reason nothing is separated");
  await at(page, "field-words").fill("积水点在另一条路上");
  await isAccessible(page, "the dialog that separates");
  await shoot(page, "case-separate-zh-dark");
  await at(page, "act-send").click();
  await page.locator('[data-step="separated"]').waitFor();
  assert.deepEqual([desk.joined.incidents, desk.joined.steps.at(-1).incident], [[first], second]);
}

/** An operator and inspector at the screen of serve. */
export async function atServe(page, fixture, origin, shoot) {
  fixture.roles = ["operator", "inspector", "administrator"];
  fixture.desk = makeDesk(fixture.now(), fixture.city.incidents.slice(0, 2).map((one) => one.id));
  await page.goto(origin);
  await seesAppeals(page, fixture, shoot);
  await takesACall(page, fixture, shoot);
  await importsAList(page, shoot);
  await reviews(page, fixture, shoot);
  await separates(page, fixture, origin, shoot);
  await page.goto(`${origin}/serve`);
  await at(page, "view-servers").click();
  await page.locator('[data-test="server"][data-state="failing"]').waitFor();
  await inBothThemes(page, "servers of others");
  await switchesLanguage(page);
  await at(page, "theme").click();
  await shoot(page, "serve-servers-en-light");
  await at(page, "view-appeals").click();
  await at(page, "appeal-row").first().waitFor();
  await isAccessible(page, "/serve, in English");
  await shoot(page, "serve-en-light");
  // Who has nothing to do there is not led there.
  fixture.roles = ["rule-engineer"];
  await page.goto(`${origin}/serve`);
  await at(page, "nothing").waitFor();
  assert.equal(await at(page, "nav-serve").count(), 0);
}

/** What everybody may see, on a phone. */
export async function atOpenData(page, fixture, origin, shoot) {
  fixture.desk = makeDesk(fixture.now());
  await page.goto(`${origin}/citizen`);
  await at(page, "to-data").click();
  const card = (name) => page.locator(`[data-test="data"][data-name="${name}"]`);
  await card("air").and(page.locator('[data-state="there"]')).waitFor();
  assert.equal(await card("air").locator('[data-test="data-row"]').count(), 8);
  await shoot(page, "open-data-zh-phone");
  for (const name of ["traffic", "waterlogging", "bins", "scores"]) {
    assert.equal(await card(name).getAttribute("data-state"), "none", "it is asked for when it is opened");
    await card(name).locator("summary").click();
    await card(name).locator('[data-test="data-row"]').first().waitFor();
  }
  assert.match(await card("bins").innerText(), /\d+ 个有数据，平均 \d+/);
  assert.equal(await card("bins").locator('[data-test="data-csv"]').getAttribute("href"), "/open-data/bins.csv");
  await inBothThemes(page, "/citizen/data");
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(wide, 0, "a phone does not scroll sideways");
  await switchesLanguage(page);
  await card("bins").scrollIntoViewIfNeeded();
  await shoot(page, "open-data-en-phone");
}

/** The same against the real program: the queue has what a citizen said, a call is taken, a list is imported; open data is open. */
export async function servesCitizens(page, origin, number, shoot) {
  await page.goto(`${origin}/serve`);
  const row = (of) => page.locator(`[data-test="appeal-row"][data-number="${of}"]`);
  await row(number).waitFor();
  assert.match(await row(number).innerText(), /网页[^]*138\*\*\*\*5678[^]*已上报[^]*139\*\*\*\*5678/);
  await at(page, "view-call").click();
  await at(page, "call-class").selectOption("0102");
  await at(page, "call-text").fill("垃圾成堆");
  await at(page, "call-phone").fill("13900001111");
  await at(page, "citizen-area").selectOption("110101007");
  await at(page, "call-send").click();
  await at(page, "call-done").waitFor();
  const called = await at(page, "call-number").innerText();
  await at(page, "view-lists").click();
  const list = "reference,class,text,area\nH1,0102,树枝堵路,110101007\nH2,9999,什么都没有,110101007\nH3,0102,又一处垃圾,110105001\n";
  await at(page, "list-file").setInputFiles({ name: "list.csv", mimeType: "text/csv", buffer: Buffer.from(list) });
  await at(page, "list-send").click();
  await at(page, "list-done").waitFor();
  assert.deepEqual([await at(page, "list-taken").innerText(), await at(page, "list-refused").innerText()], ["2", "1"]);
  await at(page, "refused-look").click();
  await at(page, "refused-line").waitFor();
  await at(page, "view-appeals").click();
  await row(called).waitFor();
  assert.match(await row(called).innerText(), /\S+ 登记/, "who took the call down stands with it");
  await at(page, "appeals-text").fill("又一处");
  await page.keyboard.press("Enter");
  await until(page, "one has these words", () => document.querySelectorAll('[data-test="appeal-row"]').length === 1);
  await at(page, "appeals-reset").click();
  await row(called).locator('[data-test="reveal"]').click();
  await until(page, "the contact is in clear", () => document.querySelector('[data-test="appeals"]').textContent.includes("13900001111"));
  await inBothThemes(page, "/serve, with what citizens said");
  await shoot(page, "serve-queue-zh-dark-desktop");
}

/** Each document that everybody may see has its rows. */
export async function seesOpenData(page, origin, shoot) {
  await page.goto(`${origin}/citizen/data`);
  for (const name of ["air", "traffic", "waterlogging", "bins", "scores"]) {
    const card = page.locator(`[data-test="data"][data-name="${name}"]`);
    if (name !== "air") await card.locator("summary").click();
    await card.and(page.locator('[data-state="there"]')).waitFor();
    if (name !== "scores") await card.locator('[data-test="data-row"]').first().waitFor();
  }
  await inBothThemes(page, "/citizen/data, open");
  await page.evaluate(() => document.querySelector(".scroll").scrollTo(0, 0));
  await shoot(page, "open-data-zh-light-phone");
}
