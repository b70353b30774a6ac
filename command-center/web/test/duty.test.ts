import { describe, expect, it } from "vitest";
import type { Chain, ChainBody } from "../src/api/duty";
import { bodyOf, draftOf, emptyChain, toldNames } from "../src/duty/chain";
import { withChosen } from "../src/duty/filter";
import { DAY_MS, daysOf, mondayOf } from "../src/duty/week";

/** 2026-03-02T00:00+08:00, a Monday. */
const MONDAY = 1_772_380_800_000;

describe("a roster's week", () => {
  it("begins on Monday at midnight in the city", () => {
    for (const at of [MONDAY, MONDAY + 1, MONDAY + 7 * DAY_MS - 1]) expect(mondayOf(at)).toBe(MONDAY);
    expect(mondayOf(MONDAY - 1)).toBe(MONDAY - 7 * DAY_MS);
    expect(mondayOf(0)).toBe(-3 * DAY_MS - 8 * 3_600_000);
  });

  it("cuts what goes over midnight, and leaves no gap", () => {
    const spans = [
      { from: MONDAY, to: MONDAY + 1.25 * DAY_MS, who: ["anna"] },
      { from: MONDAY + 1.25 * DAY_MS, to: MONDAY + 7 * DAY_MS, who: [] },
    ];
    const days = daysOf(spans, MONDAY);
    expect(days.map((day) => day.pieces.map(({ left, width, who }) => [left, width, ...who]))).toEqual([
      [[0, 1, "anna"]],
      [[0, 0.25, "anna"], [0.25, 0.75]],
      [[0, 1]], [[0, 1]], [[0, 1]], [[0, 1]], [[0, 1]],
    ]);
  });
});

describe("the form of a chain", () => {
  const body: ChainBody = {
    name: "夜间", subject: "late_cases", domains: ["air"], areas: ["110101003"], severity: "severe", classes: ["0402"], group_by: [],
    wait_ms: 1_500, interval_ms: 90_000, repeat_ms: null, quiet: null, steps: [{ notify: ["roster/r1", "ben", "chen"], wait_ms: 30_000 }],
  };
  const chain: Chain = { ...body, id: "c", version: 3, groups: 0 };

  it("sends what it was opened with, where nothing was changed", () => {
    expect(bodyOf(draftOf(chain))).toEqual(body);
    const other: Chain = { ...chain, repeat_ms: 60_000, quiet: { from: "23:00", to: "05:00" } };
    expect(bodyOf(draftOf(other))).toEqual({ ...body, repeat_ms: 60_000, quiet: { from: "23:00", to: "05:00" } });
  });

  it("reads names with commas of either script, and an empty repeat as never", () => {
    const draft = { ...emptyChain(), name: "a", steps: [{ rosters: [], people: " ben，chen, ", minutes: 1 }] };
    expect(bodyOf(draft).steps).toEqual([{ notify: ["ben", "chen"], wait_ms: 60_000 }]);
    expect(bodyOf(draft).repeat_ms).toBeNull();
  });

  it("calls a roster by its name where that is known", () => {
    expect(toldNames(["roster/r1", "roster/r2", "ben"], [{ id: "r1", name: "夜班" }])).toBe("夜班, roster/r2, ben");
  });

  it("keeps what was chosen by the API and is in no list", () => {
    expect(withChosen(["110101"], ["110101003", "110101"])).toEqual(["110101", "110101003"]);
  });
});
