import { describe, expect, it } from "vitest";
import type { LiveCases } from "../src/api/supervise";
import { countOf, groupsOf, wayTo, wayToAll } from "../src/supervise/live";
import { caseRow } from "./city";

const count = (open: number, soon = 0, late = 0) => ({ open, soon, late });
const live: LiveCases = {
  all: count(9, 2, 3),
  units: { b: count(4, 0, 1), a: count(4, 0, 1), c: count(1, 1, 0), d: count(9, 0, 0), e: count(1, 0, 2) },
  districts: { "110101": count(9, 2, 3) },
  levels: { city: count(2, 0, 0), district: count(7, 2, 3) },
  late: [], soon: [], bouncing: [caseRow("a", { bounces: 2 })], ownerless: Array.from({ length: 100 }, (_, at) => caseRow(String(at))),
  is_whole: true, unit_names: {},
};

describe("what supervision watches", () => {
  it("stands with those first where most is late, then where most soon is", () => {
    expect(groupsOf(live, "unit").map((one) => one.code)).toEqual(["e", "a", "b", "c", "d"]);
    expect(groupsOf(live, "district")).toEqual([{ code: "110101", count: count(9, 2, 3) }]);
    expect(groupsOf(live, "level").map((one) => one.code)).toEqual(["district", "city"]);
  });

  it("counts what the answer counts, and says when nobody did", () => {
    expect([countOf(live, "late"), countOf(live, "soon"), countOf(live, "bouncing"), countOf(live, "ownerless")]).toEqual([3, 2, 1, null]);
  });

  it("leads to the cases, where their list has such a filter", () => {
    expect(wayTo("unit", "a")).toEqual({ view: "list", unit: "a" });
    expect(wayTo("district", "110101", true)).toEqual({ view: "list", area: "110101", late: "true" });
    expect(wayTo("level", "city")).toBe(null);
    expect([wayToAll("ownerless"), wayToAll("soon")]).toEqual([{ view: "list", state: "registered" }, null]);
  });
});
