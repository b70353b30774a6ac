import { describe, expect, it } from "vitest";
import type { InterviewRow, ObjectionRow } from "../src/api/dossiers";
import type { MonthCheckDetail, RaisedFinding } from "../src/api/supervise";
import { addressOf, askedOf, isHead, pageOf, parametersOf, wordsOf } from "../src/supervise/audit";
import { bodyOf, classesOf, type DraftVisit, eventAt, groundOf, isShown, leastOf, middleOf, progressOf, rowsOf } from "../src/supervise/checks";
import { isAgain, successorOf } from "../src/supervise/published";
import { followedOf, isRaised } from "../src/supervise/raised";
import { addressOf as addressOfView, isSeen, viewOf, VIEWS } from "../src/supervise/views";

describe("the views of supervision", () => {
  it("are seen by who the server tells", () => {
    const seen = (roles: string[], areas: string[] = []) => VIEWS.filter((view) => isSeen(view, { roles, areas }));
    expect(seen(["operator"])).toEqual(["month", "published"]);
    expect(seen(["inspector"])).toEqual(["month", "checks", "published"]);
    expect(seen(["supervisor"])).toEqual(["month", "checks", "published", "audit"]);
    expect(seen(["supervisor"], ["110101"])).toEqual(["month", "checks", "published"]);
    expect(seen(["administrator"])).toEqual(["month", "published", "audit"]);
    expect(isSeen("audit", null)).toBe(false);
  });

  it("stand in the address", () => {
    expect([viewOf("audit"), viewOf("nothing"), viewOf(undefined)]).toEqual(["audit", "month", "month"]);
    expect([addressOfView("month").query, addressOfView("checks").query]).toEqual([{}, { view: "checks" }]);
  });
});

describe("a month's check", () => {
  const event = (case_number: string | null) => ({ lon: 116.4, lat: 39.9, what: "", case_number });
  const visit = (area: string, cell: string) => ({ area, class: "0102", cell });
  const step = (visit: number, note: string) => ({ version: visit + 2, at: 1, by: { name: "ina" }, step: "visited", visit, note });
  const check = {
    strata: [{ area: "a", class: "0102", cells: 100 }, { area: "a", class: "0402", cells: 100 }, { area: "b", class: "0102", cells: 40 }],
    visits: [visit("a", "116397/39909"), visit("a", "0/0"), visit("b", "x"), visit("b", "1/2")],
    made: [{ visit: 0, by: "ina", at: 5, found: [event("n1"), event(null)] }, { visit: 1, by: "ina", at: 6, found: [] }, { visit: 3, by: "ina", at: 7, found: [event("n2")] }],
    steps: [{ version: 1, at: 0, by: { name: "sue" }, step: "planned", reason: "monthly" }, step(0, "wet"), step(1, "")],
  } as unknown as MonthCheckDetail;

  it("has its visits in the middle of their cells", () => {
    expect(middleOf("116397/39909")).toEqual({ lon: 116.3975, lat: 39.9095 });
    expect([middleOf("x"), middleOf("1"), middleOf("")]).toEqual([null, null, null]);
  });

  it("says what came of each visit", () => {
    const rows = rowsOf(check);
    expect(rows.map((row) => row.outcome)).toEqual(["missed", "nothing", "todo", "known"]);
    expect([rows[0]?.note, rows[2]?.by, rows[2]?.place]).toEqual(["wet", null, null]);
    expect(rows.filter((row) => isShown(row, "made")).map((row) => row.visit)).toEqual([0, 1, 3]);
    expect(rows.filter((row) => isShown(row, "todo")).map((row) => row.visit)).toEqual([2]);
    expect(progressOf(check)).toEqual({ made: 3, planned: 4, found: 3, missed: 1 });
    expect([classesOf(check), groundOf(check), leastOf(17, 3)]).toEqual([["0102", "0402"], { areas: 2, cells: 140 }, 51]);
  });

  it("is told once somebody said what was there, and where", () => {
    const draft: DraftVisit = { outcome: null, events: [eventAt({ lon: 116.4, lat: 39.9 })], note: " dry " };
    expect(bodyOf(3, draft)).toBe(null);
    expect(bodyOf(3, { ...draft, outcome: "nothing" })).toEqual({ visit: 3, found: [], note: "dry" });
    const found = { lon: 116.4, lat: 39.9, what: "", case: null };
    expect(bodyOf(3, { ...draft, outcome: "found" })).toEqual({ visit: 3, found: [found], note: "dry" });
    const known = { lon: "116.5", lat: "39.8", what: " a ", case: " 123 " };
    expect(bodyOf(0, { outcome: "found", events: [known], note: "" })).toEqual({ visit: 0, found: [{ lon: 116.5, lat: 39.8, what: "a", case: "123" }], note: "" });
    for (const lat of ["", "91", "north"]) expect(bodyOf(0, { outcome: "found", events: [{ ...known, lat }], note: "" })).toBe(null);
    expect(bodyOf(0, { outcome: "found", events: [], note: "" })).toBe(null);
  });
});

describe("published months and raised findings", () => {
  it("say which record holds", () => {
    const record = (id: string, month: string, began_at: number) => ({ id, month, began_at });
    const records = [record("c", "2026-03", 9), record("b", "2026-02", 5), record("a", "2026-03", 1), record("d", "2026-03", 4)];
    expect(records.map((one) => successorOf(records, one)?.id ?? null)).toEqual([null, null, "c", "c"]);
    expect(records.map((one) => isAgain(records, one))).toEqual([true, false, false, true]);
  });

  it("are followed by the interview and the objection about the same", () => {
    const raised = (month: string, unit: string) => ({ id: month + unit, month, unit, finding: "repeats" }) as RaisedFinding;
    const about = (month: string) => ({ kind: "finding", month, finding: "repeats" });
    const interview = (id: string, month: string, unit: string) => ({ id, unit, about: about(month) }) as unknown as InterviewRow;
    const objection = { id: "o", unit: "u", against: { kind: "case", case: "c" } } as unknown as ObjectionRow;
    const items = [raised("2026-03", "u"), raised("2026-03", "v")];
    const found = followedOf(items, [interview("x", "2026-02", "u"), interview("y", "2026-03", "u"), interview("z", "2026-03", "u")], [objection]);
    expect(found.map((one) => [one.interview?.id ?? null, one.objection])).toEqual([["y", null], [null, null]]);
    expect([isRaised(items, "2026-03", { kind: "repeats", unit: "v" }), isRaised(items, "2026-03", { kind: "unseen", unit: "v" })]).toEqual([true, false]);
  });
});

describe("the audit", () => {
  it("stands in the address", () => {
    const asked = askedOf({ view: "audit", by: "anna", what: "case", from: "2026-03-02", to: "2026-13-41", before: "120" });
    expect(asked).toEqual({ by: "anna", what: "case", about: "", from: "2026-03-02", to: "", before: 120 });
    expect(addressOf(asked)).toEqual({ view: "audit", by: "anna", what: "case", from: "2026-03-02", before: "120" });
    expect(askedOf({ before: "-1" }).before).toBe(null);
  });

  it("is asked for whole days of the city", () => {
    const { from, to } = parametersOf(askedOf({ from: "2026-03-02", to: "2026-03-02" }));
    expect([from, to]).toEqual([Date.parse("2026-03-02T00:00:00+08:00"), Date.parse("2026-03-03T00:00:00+08:00")]);
    expect(parametersOf(askedOf({}))).toEqual({ by: "", what: "", about: "", from: null, to: null, before: null });
  });

  it("leads to what its entries are about", () => {
    const about = "6d1f0f7e-0000-5000-8000-000000000001";
    expect([pageOf({ what: "case.dispatched", about }), pageOf({ what: "month-check.visited", about })]).toEqual([`/cases/${about}`, `/supervise/checks/${about}`]);
    expect([pageOf({ what: "contact.read", about: "123" }), pageOf({ what: "case.noted", about: "x" })]).toEqual([null, null]);
    expect([wordsOf("account.password-reset"), wordsOf("case")]).toEqual([{ subject: "account", act: "password-reset" }, { subject: "case", act: "" }]);
    expect([isHead(`12:${"a".repeat(64)}`), isHead("12:abc"), isHead("")]).toEqual([true, false, false]);
  });
});
