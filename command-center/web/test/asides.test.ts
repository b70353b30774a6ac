import { describe, expect, it } from "vitest";
import type { Aside } from "../src/api/types";
import { actOf, isPossible } from "../src/asides/doing";
import { endOf, holding, HOURS, isOf, isWhole } from "../src/asides/kept";
import { incident } from "./city";

const HOUR = 3_600_000;
const aside = (change: Partial<Aside>): Aside => ({ id: "1", kind: "shelved", rule: "drainage.ponding", key: "S1", district: null, subdistrict: null, until: null, reason: "r", by: "anna", at: 0, ended_at: null, ended_by: null, ...change });

describe("an alarm that is set aside", () => {
  it("is shelved for hours of the log's clock, seven days at most, and otherwise until a time or by hand", () => {
    expect(endOf("shelved", 2, 99, 1_000)).toBe(1_000 + 2 * HOUR);
    expect(endOf("suppressed", 2, 99, 1_000)).toBe(99);
    expect(endOf("out_of_service", 2, null, 1_000)).toBeNull();
    expect(Math.max(...HOURS)).toBe(7 * 24);
  });

  it("needs a reason, and an end that is to come", () => {
    expect(isWhole(" ", null, 10)).toBe(false);
    expect(isWhole("pump", null, 10)).toBe(true);
    expect(isWhole("pump", 10, 10)).toBe(false);
    expect(isWhole("pump", 11, 10)).toBe(true);
  });

  it("holds until its end, or until somebody ends it", () => {
    const [open, until, ended] = [aside({}), aside({ until: 20 }), aside({ until: 50, ended_at: 12 })];
    expect(holding([open, until, ended], 19)).toEqual([open, until]);
    expect(holding([open, until, ended], 20)).toEqual([open]);
  });

  it("is a rule at a key", () => {
    expect(isOf(aside({}), incident("a"))).toBe(true);
    expect(isOf(aside({ key: "S2" }), incident("a"))).toBe(false);
    expect(isOf(aside({ rule: "drainage.other" }), incident("a"))).toBe(false);
  });
});

describe("what an operator does to an incident", () => {
  it("goes by keyboard", () => {
    expect(["a", "s", "t", "x"].map(actOf)).toEqual(["acknowledge", "aside", "assign", null]);
  });

  it("is possible as the incident is", () => {
    const acknowledged = { by: "anna", at: 1, note: "" };
    expect(isPossible("acknowledge", incident("a"))).toBe(true);
    expect(isPossible("acknowledge", incident("a", { acknowledged }))).toBe(false);
    expect(isPossible("aside", incident("a"))).toBe(true);
    expect(isPossible("aside", incident("a", { aside: "suppressed" }))).toBe(false);
    expect(isPossible("aside", incident("a", { state: "cleared" }))).toBe(false);
    expect(isPossible("assign", incident("a", { state: "cleared" }))).toBe(true);
  });
});
