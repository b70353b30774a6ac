import { describe, expect, it } from "vitest";
import { lineOf } from "../src/analyze/ahead";

describe("the line of a forecast", () => {
  it("goes from now to the end, and what is beyond stops there", () => {
    expect(lineOf({ at: 50, earliest: 25, latest: 75 }, 0, 100)).toEqual({ from: 25, at: 50, to: 75 });
    expect(lineOf({ at: 150, earliest: 50, latest: null }, 100, 200)).toEqual({ from: 0, at: 50, to: 100 });
    expect(lineOf({ at: 200, earliest: 190, latest: 300 }, 100, 200)).toEqual({ from: 90, at: 100, to: 100 });
  });
});
