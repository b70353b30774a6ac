/** What is asked of the analysis stands in the address. */
import { describe, expect, it } from "vitest";
import { addressOf, askedOf, chance, stretchOf } from "../src/analyze/asked";

describe("the address of the analysis", () => {
  it("has only what is not usual, and is read back", () => {
    const usual = askedOf({});
    expect(addressOf(usual)).toEqual({});
    const other = { view: "repeats", days: 30, domain: "waste", level: "cell", perSensor: true } as const;
    expect(askedOf(addressOf(other))).toEqual(other);
  });

  it("holds against what nobody asks", () => {
    expect(askedOf({ view: "all", days: "400", domain: "water", level: ["cell"], per: "head" })).toEqual(askedOf({}));
  });

  it("ends where the clock of the log stands", () => {
    expect(stretchOf(askedOf({ days: "1" }), 100_000_000)).toEqual({ from: 13_600_000, to: 100_000_001 });
  });

  it("writes small chances as small", () => {
    expect([chance(0.0004), chance(0.0496), chance(1)]).toEqual(["< 0.001", "0.050", "1.000"]);
  });
});
