import { describe, expect, it } from "vitest";
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
