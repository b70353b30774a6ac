/** The city as it is now: coverage by district, grades, windows of maintenance, and the layers that a browser keeps. */
import { describe, expect, it } from "vitest";
import type { Maintenance } from "../src/api/perceive";
import type { Area } from "../src/api/types";
import { layersOf } from "../src/map/layers";
import { byDistrict, classOf, shares, tallied, waterGrade } from "../src/perceive/parts";
import { bodyOf, type Draft, isAbout, rulesIn, wantOf, whenOf } from "../src/perceive/windows";

const HOUR = 3_600_000;
const NOW = Date.UTC(2026, 11, 1);
const area = (code: string, parent: string | null, known: "full" | "partial" | null): Area => ({
  code, parent, level: parent ? "subdistrict" : "district", name: { zh: code }, coverage: known && { class: known, reporting: 9, silent: 1, since: NOW },
});

describe("coverage", () => {
  const districts = [area("110101", null, null), area("110102", null, null)];
  const parts = [area("110101001", "110101", "full"), area("110101002", "110101", null), area("110102001", "110102", "partial")];

  it("is unknown where nothing was said, and that is a class of its own", () => {
    expect(parts.map(classOf)).toEqual(["full", "unknown", "partial"]);
    expect(tallied(parts)).toEqual({ full: 1, partial: 1, poor: 0, none: 0, unknown: 1 });
  });

  it("is told by district; only some classes leave districts without them out", () => {
    const all = byDistrict(districts, parts);
    expect(all.map((one) => one.parts.map((part) => part.code))).toEqual([["110101001", "110101002"], ["110102001"]]);
    const [only, ...others] = byDistrict(districts, parts, ["unknown"]);
    expect([only?.area.code, only?.parts.length, others.length]).toEqual(["110101", 1, 0]);
    expect(only?.classes.full, "what is not wanted is counted all the same").toBe(1);
  });

  it("has shares of what is there", () => {
    expect(shares(["a", "b", "c"], { a: 3, b: 0, c: 1 })).toEqual([{ name: "a", count: 3, share: 75 }, { name: "c", count: 1, share: 25 }]);
    expect(shares(["a"], { a: 0 })).toEqual([]);
  });
});

describe("water on roads", () => {
  it("is graded from 3, 10 and 25 centimetres", () => {
    expect([-0.1, 0, 0.029, 0.03, 0.099, 0.1, 0.249, 0.25, 1.2].map(waterGrade)).toEqual([1, 1, 1, 2, 2, 3, 3, 4, 4]);
  });
});

describe("windows of maintenance", () => {
  const window = (more: Partial<Maintenance>): Maintenance => ({
    id: "1", kind: "sensor", target: "S1", district: "110101", subdistrict: "110101001", from: NOW - HOUR, until: NOW + HOUR, reason: "x", by: "a", at: NOW - HOUR, ended_by: null, end_reason: null, ...more,
  });

  it("are now, to come or over", () => {
    expect(whenOf(window({}), NOW)).toBe("now");
    expect(whenOf(window({ from: NOW + 1 }), NOW)).toBe("ahead");
    expect(whenOf(window({ until: NOW }), NOW)).toBe("over");
    expect(whenOf(window({ ended_by: "b" }), NOW)).toBe("over");
  });

  it("are about a sensor by itself or by where it stands, not by its cell", () => {
    const sensor = { id: "S1", district: "110101", subdistrict: "110101001" };
    const about = (kind: Maintenance["kind"], target: string): boolean => isAbout(window({ kind, target }), sensor);
    expect([about("sensor", "S1"), about("area", "110101"), about("area", "110101001")]).toEqual([true, true, true]);
    expect([about("sensor", "S2"), about("area", "110101002"), about("area", "S1"), about("rule", "S1")]).toEqual([false, false, false, false]);
  });

  it("can be sent when all is there and the server would take it", () => {
    const draft = (more: Partial<Draft>): Draft => ({ kind: "sensor", target: " S1 ", from: null, until: NOW + HOUR, reason: " new gauge ", ...more });
    expect(wantOf(draft({}), NOW)).toBeNull();
    expect(wantOf(draft({ target: " " }), NOW)).toBe("target");
    expect(wantOf(draft({ from: NOW - HOUR }), NOW)).toBe("past");
    expect(wantOf(draft({ from: NOW + 400 * 24 * HOUR, until: NOW + 401 * 24 * HOUR }), NOW)).toBe("past");
    expect(wantOf(draft({ until: NOW }), NOW)).toBe("order");
    expect(wantOf(draft({ until: null }), NOW)).toBe("order");
    expect(wantOf(draft({ from: NOW + 2 * HOUR }), NOW)).toBe("order");
    expect(wantOf(draft({ until: NOW + 31 * 24 * HOUR }), NOW)).toBe("long");
    expect(wantOf(draft({ reason: " " }), NOW)).toBe("reason");
    expect(bodyOf(draft({}), NOW)).toEqual({ kind: "sensor", target: "S1", until: NOW + HOUR, reason: "new gauge" });
    expect(bodyOf(draft({ from: NOW - 30_000 }), NOW), "a minute that has begun is now").not.toHaveProperty("from");
    expect(bodyOf(draft({ from: NOW + 1 }), NOW).from).toBe(NOW + 1);
  });

  it("propose the rules in force", () => {
    const version = (added: string[], removed: string[], in_force = false): { added: string[]; removed: string[]; in_force: boolean } => ({ added, removed, in_force });
    expect(rulesIn([version(["c"], ["a"]), version(["b"], [], true), version(["a", "x"], [])])).toEqual(["a", "b", "x"]);
    expect(rulesIn([version([], ["x"], true), version(["a", "x"], [])])).toEqual(["a"]);
    expect(rulesIn([])).toEqual([]);
  });
});

describe("the map's layers", () => {
  it("are what was kept, else what is usual", () => {
    expect(layersOf(null)).toEqual({ incidents: true, sensors: true, heat: false, coverage: false, district: true, subdistrict: true, cell: false });
    const kept = layersOf('{"heat":true,"sensors":false,"district":"no","other":true}');
    expect([kept.heat, kept.sensors, kept.district, "other" in kept]).toEqual([true, false, true, false]);
    expect(layersOf("{")).toEqual(layersOf(null));
    expect(layersOf("7")).toEqual(layersOf(null));
  });
});
