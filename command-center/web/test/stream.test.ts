import { describe, expect, it } from "vitest";
import { pauseMs } from "../src/live/stream";

describe("pauses before the next try", () => {
  it("double, up to a bound, and spread by at most half", () => {
    expect([0, 1, 2, 3].map((attempt) => pauseMs(attempt, 0))).toEqual([500, 1000, 2000, 4000]);
    expect(pauseMs(3, 1)).toBe(2000);
    expect(pauseMs(50, 0)).toBe(15_000);
    expect(pauseMs(1_000_000, 0.5)).toBe(11_250);
  });
});
