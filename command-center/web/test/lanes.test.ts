/** What is drawn of a truth over time. */
import { describe, expect, it } from "vitest";
import type { RuleVersion } from "../src/api/types";
import { cityTime, cityTimeText } from "../src/format";
import { idsInForce, segments, ticks, worthText } from "../src/why/lanes";

describe("lanes", () => {
  it("hold each truth until the next, and the last until the end", () => {
    expect(segments([[10, false], [20, true], [20, null], [30, false]], 50)).toEqual([
      { from: 10, to: 20, truth: false },
      { from: 20, to: 30, truth: null },
      { from: 30, to: 50, truth: false },
    ]);
    expect(segments([[50, true]], 50)).toEqual([{ from: 50, to: 50, truth: true }]);
    expect(segments([], 50)).toEqual([]);
  });

  it("have marks on whole steps of the city's clock", () => {
    const from = cityTime("2026-03-02T08:03") ?? 0;
    expect(ticks(from, from + 3_600_000, 7).map(cityTimeText)).toEqual(["08:10", "08:20", "08:30", "08:40", "08:50", "09:00"].map((one) => `2026-03-02T${one}`));
    expect(ticks(from, from + 7 * 86_400_000, 7).map(cityTimeText).every((one) => one.endsWith("T00:00"))).toBe(true);
  });

  it("write numbers and ranges", () => {
    expect(worthText(0.8512, "en")).toBe("0.851");
    expect(worthText([1, 2], "en")).toBe("1 … 2");
    expect(worthText("main", "zh")).toBe("main");
  });

  it("know the rules in force from their versions", () => {
    const version = (number: number, more: Partial<RuleVersion>): RuleVersion => ({ version: number, hash: "", time: 0, by: null, reason: null, in_force: false, added: [], changed: [], removed: [], ...more });
    expect(idsInForce([version(3, { removed: ["a"] }), version(2, { added: ["c"], changed: ["a"] }), version(1, { added: ["b", "a"] })])).toEqual(["b", "c"]);
  });
});
