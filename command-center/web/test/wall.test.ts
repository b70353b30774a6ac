/** The wall's indexes and its round. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { HourMean } from "../src/api/types";
import { airClass, aqi, iaqi, INDEXES, POLLUTANTS, trafficClass, trafficIndex } from "../src/wall/indices";
import type { ToldNotice } from "../src/api/dossiers";
import { districtOf, holds, lasts, round, tally } from "../src/wall/rotation";
import { incident } from "./city";

const NOV_2026 = Date.UTC(2026, 10, 29, 6);
const mean = (metric: string, value: number, ended_at = NOV_2026): HourMean => ({ metric, mean: value, sensors: 3, ended_at });

describe("the air quality index", () => {
  it("is that of the standard's table", () => {
    expect([0, 1, 35, 36, 45, 60, 61, 75, 115].map((value) => iaqi(mean("pm2_5_ugm3", value)))).toEqual([0, 2, 50, 52, 70, 100, 101, 114, 150]);
    expect(iaqi(mean("co_ugm3", 5_000))).toBe(50);
    expect(iaqi(mean("so2_ugm3", 900))).toBe(200);
    expect(iaqi(mean("pm2_5_ugm3", 900))).toBe(500);
  });

  it("judges an hour by the edition in force", () => {
    const february = Date.UTC(2026, 1, 28, 16);
    expect(iaqi(mean("pm2_5_ugm3", 75, february))).toBe(100);
    expect(iaqi(mean("pm2_5_ugm3", 75, february + 3_600_000))).toBe(114);
    expect(iaqi(mean("so2_ugm3", 900, february))).toBeNull();
  });

  it("rounds means before, halves to even, and the index up", () => {
    expect(iaqi(mean("pm2_5_ugm3", 35.5))).toBe(iaqi(mean("pm2_5_ugm3", 36)));
    expect(iaqi(mean("pm2_5_ugm3", 36.5))).toBe(iaqi(mean("pm2_5_ugm3", 36)));
  });

  it("is of the worst pollutant, named above 50, and unknown without any", () => {
    expect(aqi([mean("pm2_5_ugm3", 45), mean("o3_ugm3", 100)])).toEqual({ index: 70, primary: "pm2_5_ugm3" });
    expect(aqi([mean("pm2_5_ugm3", 20)])).toEqual({ index: 29, primary: null });
    expect(aqi([])).toBeNull();
    expect(aqi([mean("level_m", 3)])).toBeNull();
    expect([50, 51, 100, 150, 200, 300, 301].map(airClass)).toEqual([1, 2, 2, 3, 4, 5, 6]);
  });

  it("has the limits that the rules have", () => {
    const rust = readFileSync(new URL("../../../model/src/aqi.rs", import.meta.url), "utf8");
    const numbers = (text: string): number[] => text.split(",").map(Number);
    expect(numbers(rust.match(/INDEXES: \[u16; 8\] = \[([\d, ]+)\]/)?.[1] ?? "")).toEqual([...INDEXES]);
    const arms = [...rust.matchAll(/\(Pollutant::(\w+), (_|Edition::Of\d+)\) => &\[([\d, ]+)\]/g)];
    expect(arms.length).toBe(8);
    for (const [, name = "", edition, limits = ""] of arms) {
      const pollutant = POLLUTANTS[`${name.toLowerCase()}_ugm3`];
      expect(edition?.endsWith("2012") ? pollutant?.of2012 : pollutant?.of2026, `${name} ${edition}`).toEqual(numbers(limits));
    }
  });
});

describe("the traffic index", () => {
  it("has the bands of GB/T 33171", () => {
    expect([0, 0.25, 0.3, 0.5, 0.55, 0.6, 0.75, 1, 1.4, -1].map((delay) => Number(trafficIndex(delay).toFixed(2)))).toEqual([0, 1.67, 2, 4, 5, 6, 8.33, 10, 10, 0]);
    expect([0, 1.9, 2, 5, 7.9, 8, 10].map(trafficClass)).toEqual([1, 1, 2, 3, 4, 5, 5]);
  });
});

describe("the round", () => {
  const open = [
    incident("a", { district: "110105", domain: "air", severity: "minor" }),
    incident("b", { district: "110105", domain: "air", severity: "minor" }),
    incident("c", { district: "110101", domain: "drainage", severity: "extreme" }),
    incident("d", { district: null, domain: "cross", severity: "severe" }),
  ];

  it("goes from the city to the districts where most is open, then through the domains that have any", () => {
    expect(round(open)).toEqual([
      { kind: "city" }, { kind: "district", code: "110101" }, { kind: "district", code: "110105" },
      { kind: "domain", domain: "drainage" }, { kind: "domain", domain: "air" }, { kind: "domain", domain: "cross" },
    ]);
    expect(round([])).toEqual([{ kind: "city" }]);
  });

  it("ends with what the city tells everybody and is not over, at its place", () => {
    const told = (number: string, until: number, district: string | null): ToldNotice => ({ number, title: number, text: "", title_en: "", text_en: "", area: { district, subdistrict: null }, area_name: {}, from: 0, until, published_at: 0 });
    const stops = round([], [told("a", 5, "110105"), told("b", 4, null), told("c", 9, null)], 4);
    expect(stops.slice(1).map((stop) => stop.kind === "notice" && stop.notice.number)).toEqual(["a", "c"]);
    expect(stops.map(districtOf)).toEqual([null, "110105", null]);
    expect(open.filter((one) => holds(stops[1] ?? { kind: "city" }, one)).map((one) => one.id)).toEqual(["a", "b"]);
    expect(round([], Array.from({ length: 9 }, () => told("x", 9, null)), 4).length).toBe(5);
  });

  it("stays twice as long at the city, and as long as the address asks", () => {
    expect([undefined, "30", "0", "x"].map((asked) => lasts({ kind: "city" }, asked))).toEqual([24_000, 60_000, 24_000, 24_000]);
    expect(lasts({ kind: "domain", domain: "air" }, "30")).toBe(30_000);
  });

  it("holds what it looks at", () => {
    const of = (focus: Parameters<typeof holds>[0]): string => open.filter((one) => holds(focus, one)).map((one) => one.id).join("");
    expect(of({ kind: "city" })).toBe("abcd");
    expect(of({ kind: "district", code: "110105" })).toBe("ab");
    expect(of({ kind: "domain", domain: "cross" })).toBe("d");
    expect(tally(open)).toEqual({ total: 4, severities: { extreme: 1, severe: 1, moderate: 0, minor: 2 } });
  });
});
