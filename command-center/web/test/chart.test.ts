import { describe, expect, it } from "vitest";
import type { SeriesPoint } from "../src/api/types";
import { extent, withHoles } from "../src/chart/options";

const point = (time: number, mean = 1): SeriesPoint => [time, mean, mean - 1, mean + 1, 1];

describe("withHoles", () => {
  it("breaks the line where nobody measured", () => {
    const rows = withHoles([point(0), point(10), point(20), point(90), point(100)], 10);
    expect(rows.map((row) => [row[0], row[1]])).toEqual([[0, 1], [10, 1], [20, 1], [30, null], [90, 1], [100, 1]]);
  });

  it("takes a sensor that reports every 60 for what it is, though the step is 10", () => {
    const points = [point(0), point(60), point(120), point(180)];
    expect(withHoles(points, 10)).toEqual(points);
  });

  it("leaves short series alone", () => {
    expect(withHoles([], 10)).toEqual([]);
    expect(withHoles([point(5)], 10)).toEqual([point(5)]);
  });
});

describe("extent", () => {
  it("holds readings and thresholds", () => {
    const span = extent([point(0, 10)], [{ value: 30, kind: "opens", severity: "severe" }]);
    expect(span?.[0]).toBeLessThan(9);
    expect(span?.[1]).toBeGreaterThan(30);
  });

  it("does not go below zero for what never is", () => {
    expect(extent([point(0, 1)], [])?.[0]).toBe(0);
    expect(extent([point(0, -3)], [])?.[0]).toBeLessThan(-4);
  });

  it("is unknown when there is nothing", () => {
    expect(extent([], [])).toBe(null);
  });
});
