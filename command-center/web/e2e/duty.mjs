/** Who is on duty, as the made-up city says it, and what a planner and an administrator do on that screen. */
import assert from "node:assert/strict";
import { inBothThemes, isAccessible } from "./axe.mjs";
import { switchesLanguage, until } from "./steps.mjs";

const at = (page, name) => page.locator(`[data-test="${name}"]`);
const HOUR = 3_600_000;
const ROSTER = "11111111-1111-5111-8111-111111111111";

/** What the fixture keeps of duty. */
export function makeDuty(now) {
  const midnight = Math.floor((now + 8 * HOUR) / (24 * HOUR)) * 24 * HOUR - 8 * HOUR;
  const monday = midnight - (((Math.floor((midnight + 8 * HOUR) / (24 * HOUR)) + 3) % 7) * 24 * HOUR);
  const item = (number, title, place) => ({ kind: "incident", id: `i${number}`, title: { zh: title, en: "Waterlogging" }, place: { zh: place, en: "Dongcheng" }, severity: "severe", since: now - HOUR, is_over: false });
  return {
    monday,
    notices: [
      { id: "n2", seq: 2, chain: "排水", reason: "escalated", step: 2, is_storm: false, is_for_all: false, severity: "extreme", open: 7, over: 0, items: ["积水", "井盖移位", "水位超限", "雨量", "溢流", "泵站停机"].map((title, index) => item(index, title, "东城区朝阳门街道")), at: now - 4 * 60_000, read_at: null },
      { id: "n1", seq: 1, chain: "全部", reason: "began", step: 1, is_storm: true, is_for_all: true, severity: "severe", open: 31, over: 0, items: [item(9, "路面积水", "海淀区")], at: now - HOUR, read_at: now - 50 * 60_000 },
    ],
    storms: [{ area: "110101", name: { zh: "东城区", en: "Dongcheng" }, since: now - 20 * 60_000, count: 14 }],
    overrides: [],
    handovers: [{ id: "h1", at: now - 9 * HOUR, by: "ben", note: "3 号泵检修中，预计明早恢复" }],
    chains: [{ id: "c1", version: 1, name: "排水", subject: "incidents", domains: ["drainage"], areas: [], severity: "moderate", classes: [], group_by: ["rule", "district"], wait_ms: 30_000, interval_ms: 300_000, repeat_ms: null, quiet: { from: "22:00", to: "07:00" }, steps: [{ notify: [`roster/${ROSTER}`], wait_ms: 300_000 }, { notify: ["ben"], wait_ms: 900_000 }], groups: 2 }],
    contacts: [{ id: "k1", who: "ben", kind: "email", address: "b…@city.example", language: "zh", created_at: now, created_by: "ada" }],
    subscriptions: [
      { id: "s1", name: "排水集团", url: "https://hooks.drainage.example/citywatch", form: "json", domains: ["drainage"], areas: [], severity: "moderate", classes: [], state: "active", reason: null, waiting: 0, failures: 0, next_at: null, secret_before_until: null, created_at: now, created_by: "ada" },
      { id: "s2", name: "环卫中心", url: "https://sanitation.example/hook", form: "cap", domains: [], areas: ["110101"], severity: "minor", classes: [], state: "active", reason: null, waiting: 3, failures: 6, next_at: now + 90_000, secret_before_until: null, created_at: now, created_by: "token/sanitation" },
    ],
    deliveries: ["dead", "failed", "delivered"].map((state, index) => ({ id: `d${index}`, seq: 9 - index, kind: "org.citywatch.incident.opened", subject: "i1", state, attempts: 31 - 10 * index, next_at: now, tried_at: now - index * HOUR, status: state === "delivered" ? 204 : 503, error: state === "delivered" ? null : "the end-point answered 503", created_at: now - 24 * HOUR })),
  };
}

/** Anna by day, Ben by night; who stands in comes in between. */
function spans(duty, from) {
  const shifts = Array.from({ length: 15 }, (_, half) => ({ from: from - 4 * HOUR + half * 12 * HOUR, to: from + 8 * HOUR + half * 12 * HOUR, who: [half % 2 === 0 ? "ben" : "anna"] }));
  const bounds = [from, from + 7 * 24 * HOUR, ...shifts.flatMap((one) => [one.from, one.to]), ...duty.overrides.flatMap((one) => [one.from, one.to])];
  const edges = [...new Set(bounds)].filter((edge) => edge >= from && edge <= from + 7 * 24 * HOUR).sort((a, b) => a - b);
  return edges.slice(0, -1).map((edge, index) => {
    const stands = duty.overrides.find((one) => one.from <= edge && edge < one.to);
    const who = stands ? [stands.who] : (shifts.find((one) => one.from <= edge && edge < one.to)?.who ?? []);
    return { from: edge, to: edges[index + 1], who };
  });
}

const SHIFT = { days: [1, 2, 3, 4, 5, 6, 7], from: "08:00", to: "20:00", people: ["anna"], turns: "together", since: null };
const roster = { name: "排水值班", unit: null, area: null, role: null, shifts: [SHIFT] };

/** Answers to GET; undefined for what is not of duty. */
export function dutyOf(duty, [first, id, third], asked) {
  switch (first) {
    case "notices":
      return { items: duty.notices, unread: duty.notices.filter((one) => one.read_at === null).length };
    case "storms":
      return { items: duty.storms };
    case "rosters":
      if (id === undefined) return { items: [{ id: ROSTER, version: 1, ...roster, on_duty: ["anna"] }] };
      return { id: ROSTER, version: 1, roster, spans: spans(duty, Number(asked.get("from"))), overrides: duty.overrides, handovers: duty.handovers };
    case "chains":
      return { items: duty.chains };
    case "contacts":
      return { items: third === "deliveries" ? duty.deliveries.slice(0, 1) : duty.contacts };
    case "subscriptions":
      return { items: third === "deliveries" ? duty.deliveries : duty.subscriptions };
    default:
      return undefined;
  }
}

/** What POST does; undefined for what is not of duty. */
export function dutyDoes(duty, [first, id, what], body, now) {
  if (first === "notices") {
    for (const one of duty.notices) one.read_at ??= now;
    return {};
  }
  if (first === "rosters" && what === "override") {
    duty.overrides.push({ id: "o1", by: "ada", ...body });
    return { id: "o1", version: 1 };
  }
  if (first === "rosters" && what === "handover") {
    duty.handovers.unshift({ id: "h2", at: now, by: "ada", note: body.note });
    return {};
  }
  if (first === "chains") {
    const kept = { groups: 0, ...body, id: id ?? "c2", version: (duty.chains.find((one) => one.id === id)?.version ?? 0) + 1 };
    duty.chains = [...duty.chains.filter((one) => one.id !== id), ...(what === "end" ? [] : [kept])];
    return { id: kept.id, version: kept.version };
  }
  if (first === "contacts") {
    if (what === "end") duty.contacts = duty.contacts.filter((one) => one.id !== id);
    if (id !== undefined) return {};
    duty.contacts.push({ ...body, id: "k2", address: `${body.address.slice(0, 12)}…`, created_at: now, created_by: "ada" });
    return { contact: duty.contacts.at(-1), secret: body.kind === "webhook" ? "whsec_Q2hlY2sgdGhhdCBpdCBpcyBzaG93biBvbmNl" : null };
  }
  if (first !== "subscriptions") return undefined;
  if (id === undefined) {
    duty.subscriptions.push({ ...duty.subscriptions[0], ...body, id: "s3" });
    return { subscription: duty.subscriptions.at(-1), secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" };
  }
  if (what === "resend") for (const one of duty.deliveries) if (one.state === "dead") one.state = "failed";
  return { subscription: duty.subscriptions.find((one) => one.id === id), secret: null };
}

/** A chain is changed and another made, and one ended: what is sent is what the server is told by hand too. */
async function makesAChain(page, duty, shoot) {
  await at(page, "chain-change").click();
  assert.equal(await at(page, "step-wait").first().inputValue(), "5");
  await at(page, "chain-interval").fill("10");
  await at(page, "chains-save").click();
  await at(page, "chain-name").waitFor({ state: "detached" });
  assert.deepEqual({ ...duty.chains[0], groups: 2 }, { ...makeDuty(0).chains[0], version: 2, interval_ms: 600_000 });
  await at(page, "chains-new").click();
  await at(page, "chain-name").fill("超时案件");
  await at(page, "chain-subject").selectOption("late_cases");
  await at(page, "step-roster").check();
  await at(page, "step-add").click();
  await at(page, "step-people").nth(1).fill("ben，chen");
  await at(page, "step-wait").nth(1).fill("30");
  await isAccessible(page, "the form of a chain");
  await shoot(page, "chain-form-zh-dark");
  await at(page, "chains-save").click();
  await page.locator('[data-test="chain"]', { hasText: "超时案件" }).waitFor();
  assert.deepEqual(duty.chains[1].steps, [{ notify: [`roster/${ROSTER}`], wait_ms: 600_000 }, { notify: ["ben", "chen"], wait_ms: 1_800_000 }]);
  await page.locator('[data-test="chain"]', { hasText: "超时案件" }).locator('[data-test="end"]').click();
  await at(page, "sure").click();
  await page.locator('[data-test="chain"]', { hasText: "超时案件" }).waitFor({ state: "detached" });
}

/** A way to reach somebody, tried, looked at, and taken away. */
async function addsAContact(page) {
  await at(page, "contacts-new").click();
  await at(page, "contact-who").fill("chen");
  await at(page, "contact-kind").selectOption("webhook");
  await at(page, "contact-address").fill("https://chen.example/hook");
  await at(page, "contacts-save").click();
  await at(page, "contact-secret").waitFor();
  const chen = page.locator('[data-test="contact"][data-who="chen"]');
  await chen.locator('[data-test="test"]').click();
  await chen.locator('[data-test="deliveries-show"]').click();
  await chen.locator('[data-test="delivery"]').waitFor();
  await chen.locator('[data-test="end"]').click();
  await at(page, "sure").click();
  await chen.waitFor({ state: "detached" });
}

/** The banner, the bell, the week, and a subscriber's dead deliveries. */
export async function onDuty(page, fixture, origin, shoot) {
  fixture.roles = ["operator", "dispatcher", "administrator"];
  fixture.duty = makeDuty(fixture.now());
  await page.goto(origin);
  await at(page, "row").first().waitFor();
  assert.match(await at(page, "storm").innerText(), /东城区：十分钟内 14 起/);
  await at(page, "storm-group").click();
  await at(page, "group").first().waitFor();
  assert.equal(await at(page, "grouping").inputValue(), "rule", "the queue is read by cause");
  assert.equal(await at(page, "bell").innerText(), "1");
  await shoot(page, "storm-zh-dark");
  await isAccessible(page, "a storm");
  await at(page, "bell").click();
  await at(page, "piece").first().waitFor();
  assert.equal(await at(page, "notice").count(), 2);
  await at(page, "override-who").fill("chen");
  await at(page, "override-instead").fill("anna");
  const local = (time) => new Date(time + 8 * HOUR).toISOString().slice(0, 16);
  await at(page, "override-from").fill(local(fixture.duty.monday + 32 * HOUR));
  await at(page, "override-to").fill(local(fixture.duty.monday + 44 * HOUR));
  await at(page, "override-reason").fill("病假");
  await at(page, "override-send").click();
  await until(page, "who stands in is in the week", () => [...document.querySelectorAll('[data-test="piece"]')].some((piece) => piece.textContent.includes("chen")));
  await at(page, "handover-note").fill("备用泵已到场");
  await at(page, "handover-send").click();
  await page.locator('[data-test="handover"]', { hasText: "备用泵" }).waitFor();
  await page.locator('[data-test="subscription"]', { hasText: "环卫中心" }).locator('[data-test="deliveries-show"]').click();
  await page.locator('[data-test="delivery"][data-state="dead"]').waitFor();
  await inBothThemes(page, "who is on duty");
  await shoot(page, "duty-zh-dark");
  await page.locator('[data-test="subscription"]', { hasText: "环卫中心" }).locator('[data-test="resend"]').click();
  await page.locator('[data-test="delivery"][data-state="dead"]').waitFor({ state: "detached" });
  await at(page, "subscriptions-new").click();
  await at(page, "subscribe-name").fill("交管局");
  await at(page, "subscribe-url").fill("https://traffic.example/hook");
  await at(page, "about-traffic").check();
  await at(page, "about-areas").selectOption(["110101", "110105"]);
  await at(page, "subscriptions-save").click();
  await at(page, "secret").waitFor();
  await page.locator('[data-test="subscription"]', { hasText: "交管局" }).getByText("交通 · 东城区 · 朝阳区").waitFor();
  assert.equal(await at(page, "subscription").count(), 3);
  await makesAChain(page, fixture.duty, shoot);
  await addsAContact(page);
  await at(page, "read-all").click();
  await page.locator('[data-test="my-notices"][data-unread="0"]').waitFor();
  fixture.duty.storms = [];
  fixture.send("storm", {});
  await at(page, "storm").waitFor({ state: "detached" });
  await switchesLanguage(page);
  await at(page, "theme").click();
  await isAccessible(page, "who is on duty, in English");
  await shoot(page, "duty-en-light");
}

/** The same against the real program: what the forms send it takes, and what it refuses stands there in its words. */
export async function plansDuty(page, origin) {
  await page.goto(`${origin}/duty`);
  await at(page, "chains-new").click();
  await at(page, "chain-name").fill("朝阳积水");
  await at(page, "about-drainage").check();
  await at(page, "about-areas").selectOption("110105");
  await at(page, "about-classes").selectOption("0402");
  await at(page, "step-people").fill("ada");
  await at(page, "chains-save").click();
  const chain = page.locator('[data-test="chain"]', { hasText: "朝阳积水" });
  await chain.waitFor();
  await chain.locator('[data-test="chain-change"]').click();
  await at(page, "step-add").click();
  await at(page, "step-people").nth(1).fill("bo");
  await at(page, "chains-save").click();
  await page.locator('[data-test="chain"]', { hasText: "bo" }).waitFor();
  await at(page, "contacts-new").click();
  await at(page, "contact-who").fill("ada");
  await at(page, "contact-address").fill("ada@city.example");
  await at(page, "contacts-save").click();
  assert.match(await at(page, "contacts-told").innerText(), /mail/, "the demo has no mail server");
  page.faults = page.faults.filter((fault) => !/status of 400/.test(fault));
  await at(page, "contact-kind").selectOption("webhook");
  await at(page, "contact-address").fill("https://ada.example/hook");
  await at(page, "contacts-save").click();
  await at(page, "contact-secret").waitFor();
  await page.locator('[data-test="contact"][data-who="ada"] [data-test="end"]').click();
  await at(page, "sure").click();
  await at(page, "contact").waitFor({ state: "detached" });
}
