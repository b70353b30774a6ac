import { describe, expect, it } from "vitest";
import type { CaseRow, Clock, Unit } from "../src/api/cases";
import { ACTS, type ActName, arranged, bodyOf, emptyDraft, lacking } from "../src/cases/acts";
import { columnsOf, everyCase, filterOf, isNarrowed, keepCase, OVER_MAX, queryOf } from "../src/cases/board";
import { clockView, limitOf } from "../src/cases/clocks";
import { evidenceOf } from "../src/cases/evidence";
import { choicesFor, joined, unitName } from "../src/cases/units";
import { cityTime } from "../src/format";
import { caseRow as row } from "./city";

describe("the board", () => {
  const all = [
    row("a", { due_at: 900 }),
    row("b", { due_at: 500 }),
    row("c", { is_late: true, due_at: 2_000, unit: "drainage-group" }),
    row("d", { state: "handling", unit: "drainage-group", district: "110105", subdistrict: "110105001" }),
    row("e", { state: "closed", is_open: false }),
    row("f"),
  ];
  const ids = (change: object): Record<string, string[]> =>
    Object.fromEntries(columnsOf(all, { ...everyCase(), ...change }).filter((column) => column.rows.length > 0).map((column) => [column.state, column.rows.map((one) => one.id)]));

  it("has a column for each thing that cases wait for, late ones first, then what is due next", () => {
    expect(ids({})).toEqual({ registered: ["c", "b", "a", "f"], handling: ["d"] });
    expect(columnsOf(all, everyCase()).map((column) => [column.state, column.late])).toContainEqual(["registered", 1]);
    expect(columnsOf([], everyCase())).toHaveLength(8);
  });

  it("is narrowed by unit, area, class and lateness", () => {
    expect(ids({ unit: "drainage-group" })).toEqual({ registered: ["c"], handling: ["d"] });
    expect(ids({ area: "110105" })).toEqual({ handling: ["d"] });
    expect(ids({ area: "110105001" })).toEqual({ handling: ["d"] });
    expect(ids({ late: true })).toEqual({ registered: ["c"] });
    expect(ids({ class: "0506" })).toEqual({});
  });

  it("is an address, and back", () => {
    const filter = { view: "list", state: "over", unit: "u", area: "110101", class: "0402", late: true } as const;
    expect(filterOf(queryOf(filter))).toEqual(filter);
    expect(queryOf(everyCase())).toEqual({});
    expect(filterOf({ state: "nonsense", late: "yes", unit: ["a", "b"] })).toEqual(everyCase());
    expect(filterOf({ state: "closed" }).view).toBe("list");
    expect(isNarrowed(everyCase())).toBe(false);
    expect(isNarrowed({ ...everyCase(), late: true })).toBe(true);
  });

  it("keeps the newest version of each case, and bounds what is over", () => {
    const held = new Map<string, CaseRow>();
    expect(keepCase(held, row("a", { version: 3, state: "closed", is_open: false }))).toBe(true);
    expect(keepCase(held, row("a", { version: 2 }))).toBe(false);
    expect(held.get("a")?.state).toBe("closed");
    for (let at = 0; at < OVER_MAX + 5; at += 1) keepCase(held, row(`over-${at}`, { is_open: false, state: "closed" }));
    keepCase(held, row("open"));
    expect(held.size).toBe(OVER_MAX + 1);
    expect(held.has("a")).toBe(false);
  });
});

describe("acts", () => {
  it("are offered as the server says, the next thing first, and none that this page does not know", () => {
    expect(arranged(["dispatch", "note", "whistle", "add-part", "evidence", "fly"])).toEqual({ next: "dispatch", others: ["note", "whistle", "add-part"] });
    expect(arranged(["void", "note"])).toEqual({ next: null, others: ["void", "note"] });
    expect(arranged(["evidence"])).toEqual({ next: null, others: [] });
  });

  it("ask for what the server asks for", () => {
    const empty = emptyDraft();
    const first = (act: ActName, change: object = {}, needs = false) => lacking(act, { ...empty, ...change }, 1_000, needs);
    expect(first("accept")).toBe(null);
    expect(first("return")).toBe("reason");
    expect(first("return", { words: "  " })).toBe("reason");
    expect(first("return", { words: "not ours" })).toBe(null);
    expect(first("note")).toBe("text");
    expect(first("verify")).toBe("verdict");
    expect(first("dispatch")).toBe("unit");
    expect(first("dispatch", { unit: "u", amount: "four" })).toBe("limit");
    expect(first("dispatch", { unit: "u", amount: "-4" })).toBe("limit");
    expect(first("ask-extension", { words: "rain" })).toBe("more");
    expect(first("suspend", { words: "parts", until: 1_000 })).toBe("until");
    expect(first("suspend", { words: "parts", until: 1_001 })).toBe(null);
    expect(first("feedback")).toBe(null);
    expect(first("feedback", {}, true)).toBe("evidence");
    expect(first("check", { result: "fixed" }, true)).toBe(null);
    expect(first("evaluate")).toBe("score");
  });

  it("say what they were given, and nothing that was left out", () => {
    const draft = { ...emptyDraft(), words: " on it ", unit: "u", amount: "0.5", timeUnit: "urgent_hour", result: "fixed", evidence: ["aa"], score: 4, units: ["u", "v"], until: 5, of: "id", title: " pump " };
    expect(bodyOf("dispatch", draft)).toEqual({ unit: "u", limit: "0.5 urgent_hour", note: "on it" });
    expect(bodyOf("dispatch", { ...draft, amount: "" })).toEqual({ unit: "u", note: "on it" });
    expect(bodyOf("register", draft)).toEqual({ note: "on it" });
    expect(bodyOf("check", draft)).toEqual({ result: "fixed", note: "on it", evidence: ["aa"] });
    expect(bodyOf("ask-extension", draft)).toEqual({ more: "0.5 urgent_hour", reason: "on it" });
    expect(bodyOf("suspend", draft)).toEqual({ until: 5, reason: "on it" });
    expect(bodyOf("void", draft)).toEqual({ of: "id", reason: "on it" });
    expect(bodyOf("whistle", draft)).toEqual({ units: ["u", "v"], reason: "on it" });
    expect(bodyOf("add-part", draft)).toEqual({ unit: "u", title: "pump", limit: "0.5 urgent_hour" });
    expect(bodyOf("put-outside", { ...draft, title: " the owners " })).toMatchObject({ where_to: "the owners" });
    expect(bodyOf("review-outside", { ...draft, result: "sent_back" })).toMatchObject({ upheld: false });
    expect(lacking("review-outside", { ...draft, result: "sent_back", words: " " }, 0, false)).toBe("note");
    expect(lacking("review-outside", { ...draft, result: "upheld", words: "" }, 0, false)).toBeNull();
    expect(Object.keys(ACTS)).toHaveLength(26);
  });

  it("take times by the city's clock", () => {
    expect(cityTime("2026-03-02T08:00")).toBe(1_772_409_600_000);
    expect(cityTime("tomorrow")).toBe(null);
    expect(cityTime("2026-13-02T08:00")).toBe(null);
  });
});

describe("a clock", () => {
  const HOUR = 3_600_000;
  const clock: Clock = { stage: "handle", limit: "4 urgent_hour", started_at: 0, used_ms: 0, running_since: 0, warn_at: 3.2 * HOUR, due_at: 4 * HOUR, warned_at: null, breached_at: null, stopped_at: null };
  const at = (now: number, change: Partial<Clock> = {}, used = 0) => clockView({ ...clock, ...change }, used, 4 * HOUR, now);

  it("runs, warns and is breached", () => {
    expect(at(HOUR)).toEqual({ state: "running", share: 0.25, used: HOUR, left: 3 * HOUR });
    expect(at(3.5 * HOUR).state).toBe("warned");
    expect(at(HOUR, { warned_at: 1 }).state).toBe("warned");
    expect(at(5 * HOUR)).toEqual({ state: "breached", share: 1.25, used: 5 * HOUR, left: -HOUR });
  });

  it("stands while it is paused and when it is over, and stays breached", () => {
    const still = { running_since: null, due_at: null, warn_at: null, used_ms: 2 * HOUR };
    expect(at(9 * HOUR, still, 2 * HOUR)).toEqual({ state: "paused", share: 0.5, used: 2 * HOUR, left: null });
    expect(at(9 * HOUR, { ...still, stopped_at: 2 * HOUR }, 2 * HOUR).state).toBe("stopped");
    expect(at(9 * HOUR, { ...still, stopped_at: 5 * HOUR, breached_at: 4 * HOUR }, 5 * HOUR).state).toBe("breached");
  });

  it("of working time is what the server reckoned", () => {
    expect(at(3 * HOUR, { limit: "4 work_hour" }, HOUR)).toEqual({ state: "running", share: 0.25, used: HOUR, left: HOUR });
  });

  it("has a limit that can be read", () => {
    expect(limitOf("0.5 urgent_hour")).toEqual({ amount: 0.5, unit: "urgent_hour" });
    expect(limitOf("4 lunar_month")).toBe(null);
    expect(limitOf("")).toBe(null);
  });
});

describe("units", () => {
  const units: Unit[] = [
    { unit: "street-office", name: { zh: "街道办事处", en: "Subdistrict office" }, level: "subdistrict", area: null, is_each: true, powers: ["clean"] },
    { unit: "district-water", name: { zh: "区水务局", en: "District water bureau" }, level: "district", area: null, is_each: true, powers: ["drain"] },
    { unit: "drainage-group", name: { zh: "排水集团", en: "Drainage group" }, level: "city", area: null, is_each: false, powers: ["drain"] },
  ];
  const areaName = (code: string) => ({ "110101": { zh: "东城区", en: "Dongcheng District" }, "110101007": { zh: "朝阳门街道", en: "Chaoyangmen Subdistrict" } })[code] ?? { zh: code, en: code };

  it("are called by their area, which is not said twice", () => {
    expect(joined("东城区", "区水务局")).toBe("东城区水务局");
    expect(joined("朝阳门街道", "街道办事处")).toBe("朝阳门街道办事处");
    expect(unitName("district-water-110101", units, areaName)).toEqual({ zh: "东城区水务局", en: "District water bureau, Dongcheng District" });
    expect(unitName("drainage-group", units, areaName)).toEqual(units[2]?.name);
    expect(unitName("nobody", units, areaName)).toEqual({ zh: "nobody", en: "nobody" });
  });

  it("can be sent if they have the power, from near to far", () => {
    const codes = (power: string | null, place = row("a")) => choicesFor(place, power, units, areaName).map((one) => one.code);
    expect(codes("drain")).toEqual(["district-water-110101", "drainage-group"]);
    expect(codes(null)).toEqual(["street-office-110101007", "district-water-110101", "drainage-group"]);
    expect(codes("drain", row("a", { district: null, subdistrict: null }))).toEqual(["drainage-group"]);
  });
});

describe("evidence", () => {
  it("is numbered in the order in which it was added", () => {
    const step = (version: number, more: object) => ({ version, at: version, by: { name: "bo" }, step: "noted", ...more });
    const steps = [step(1, {}), step(2, { step: "evidence_added", hash: "aa", kind: "image/png", taken_at: 7 }), step(3, { step: "evidence_added", hash: "bb", kind: "application/pdf" })];
    expect(evidenceOf({ steps })).toEqual([
      { number: 1, hash: "aa", kind: "image/png", by: "bo", at: 2, takenAt: 7 },
      { number: 2, hash: "bb", kind: "application/pdf", by: "bo", at: 3, takenAt: null },
    ]);
  });
});
