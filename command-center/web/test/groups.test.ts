/** The queue in groups, and the part of it that is drawn. */
import { describe, expect, it } from "vitest";
import { grouped, lineKey, unfolded } from "../src/live/groups";
import { partOf, scrollFor } from "../src/parts/windowed";
import { incident } from "./city";

const rows = [
  incident("a", { district: "1", rule: "r", severity: "minor" }),
  incident("b", { district: "2", rule: "r", severity: "extreme", acknowledged: { by: "w", at: 1, note: "" } }),
  incident("c", { district: "1", rule: "s", severity: "moderate" }),
  incident("d", { district: null, rule: "s", severity: "minor" }),
];

describe("groups", () => {
  it("stand with the worst first, and keep the order of their rows", () => {
    const lines = grouped(rows, "district", new Set());
    expect(lines.map(lineKey)).toEqual(["group 2", "b", "group 1", "a", "c", "group ", "d"]);
    expect(lines[0]).toMatchObject({ count: 1, unacknowledged: 0, worst: "extreme" });
    expect(lines[2]).toMatchObject({ count: 2, unacknowledged: 2, worst: "moderate", folded: false });
  });

  it("fold their rows away, and none is without a group", () => {
    const lines = grouped(rows, "rule", new Set(["r"]));
    expect(unfolded(lines).map((one) => one.id)).toEqual(["c", "d"]);
    expect(unfolded(grouped(rows, "none", new Set(["r"]))).map((one) => one.id)).toEqual(["a", "b", "c", "d"]);
    expect(grouped([], "rule", new Set())).toEqual([]);
  });
});

describe("the part of a list that is drawn", () => {
  const heights = Array.from({ length: 1_000 }, (_, at) => 50 + 10 * (at % 3));

  it("covers what is in sight, wherever one scrolls to, and leaves the height as it is", () => {
    const all = heights.reduce((sum, height) => sum + height, 0);
    for (let top = 0; top <= all - 700; top += 333) {
      const part = partOf(heights, top, 700, 100);
      const drawn = heights.slice(part.from, part.to).reduce((sum, height) => sum + height, 0);
      expect(part.before + drawn + part.after).toBe(all);
      expect(part.before).toBeLessThanOrEqual(top);
      expect(part.before + drawn).toBeGreaterThanOrEqual(top + 700);
      expect(part.to - part.from).toBeLessThan(20);
    }
    expect(partOf([], 0, 700, 100)).toEqual({ from: 0, to: 0, before: 0, after: 0 });
    expect(partOf([50], 9_000, 700, 100)).toEqual({ from: 1, to: 1, before: 50, after: 0 });
  });

  it("is scrolled no further than needed", () => {
    expect(scrollFor(heights, 0, 500, 700)).toBe(0);
    expect(scrollFor(heights, 3, 100, 700)).toBe(100);
    expect(scrollFor(heights, 20, 0, 700)).toBe(heights.slice(0, 21).reduce((sum, height) => sum + height, 0) - 700);
  });
});
