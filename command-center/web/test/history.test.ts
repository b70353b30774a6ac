/** What is asked of history, and what is put beside it. */
import { describe, expect, it } from "vitest";
import { addressOfHistory, askedOfHistory, changeOf, dayOf, holesOf, periodOf, type Point, pointsOf, shiftOf, summaryOf } from "../src/analyze/history";
import { type HistoryDrawn, historyOptions, type HistoryWords, told } from "../src/chart/history";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** 2026-03-02T08:30+08:00. */
const NOW = Date.parse("2026-03-02T08:30:00+08:00");

describe("the address of history", () => {
  it("has only what is not usual, and is read back", () => {
    expect(addressOfHistory(askedOfHistory({}))).toEqual({ view: "history" });
    const own = askedOfHistory({ metric: "level_m", area: "110101", span: "own", from: "2026-01-01", until: "2026-02-28" });
    expect(addressOfHistory(own)).toEqual({ view: "history", metric: "level_m", area: "110101", span: "own", from: "2026-01-01", until: "2026-02-28" });
    expect(askedOfHistory(addressOfHistory(own))).toEqual(own);
  });

  it("leaves the area out where a sensor is named, and days where they are not one's own", () => {
    const one = { metric: "level_m", area: "110101", sensor: "S1", span: "week", from: "2026-01-01", until: "2026-01-02" } as const;
    expect(addressOfHistory(one)).toEqual({ view: "history", metric: "level_m", sensor: "S1", span: "week" });
  });

  it("holds against what nobody asks", () => {
    expect(askedOfHistory({ span: "century", from: "yesterday", until: "2026-13-01", area: ["1"] })).toEqual(askedOfHistory({}));
  });
});

describe("the period", () => {
  it("ends where the log's clock stands, on a whole five minutes", () => {
    const now = NOW + 61_000;
    expect(periodOf(askedOfHistory({ span: "week" }), now)).toEqual({ from: NOW + 300_000 - 7 * DAY, to: NOW + 300_000 });
  });

  it("of one's own is whole days of the city, both within", () => {
    const own = askedOfHistory({ span: "own", from: "2026-03-01", until: "2026-03-01" });
    expect(periodOf(own, NOW)).toEqual({ from: Date.parse("2026-03-01T00:00:00+08:00"), to: Date.parse("2026-03-02T00:00:00+08:00") });
    expect(periodOf({ ...own, from: "2026-03-02" }, NOW)).toBe(null);
    expect(periodOf({ ...own, until: "" }, NOW)).toBe(null);
    expect(dayOf(Date.parse("2026-03-01T23:59:00+08:00"))).toBe("2026-03-01");
  });

  it("is put beside the same one a week and a year before, not beside itself", () => {
    const day = { from: NOW - DAY, to: NOW };
    expect([shiftOf("week", day), shiftOf("year", day)]).toEqual([7 * DAY, 365 * DAY]);
    expect(shiftOf("week", { from: NOW - 8 * DAY, to: NOW })).toBe(null);
    expect(shiftOf("year", { from: NOW - 400 * DAY, to: NOW })).toBe(null);
    const year = { from: NOW - 365 * DAY, to: NOW };
    expect(shiftOf("year", year)).toBe(365 * DAY);
  });

  it("goes by the calendar: a leap year is a day longer, and 29 February has the 28th before it", () => {
    const begin = (day: string): number => Date.parse(`${day}T06:00:00+08:00`);
    const of = (day: string): number => begin(day) - (shiftOf("year", { from: begin(day), to: begin(day) + DAY }) ?? 0);
    expect(of("2025-03-01")).toBe(begin("2024-03-01"));
    expect(of("2024-03-01")).toBe(begin("2023-03-01"));
    expect(of("2024-02-29")).toBe(begin("2023-02-28"));
  });

  it("is asked for in five minutes, hours or days", () => {
    const points = [1, 2, 7, 62, 91, 365, 2_000].map((days) => pointsOf({ from: 0, to: days * DAY }));
    expect(points).toEqual([288, 288, 400, 400, 91, 365, 800]);
  });
});

const point = (time: number, mean: number, sensors?: number): Point => (sensors === undefined ? [time, mean, mean - 1, mean + 1, 2] : [time, mean, mean - 1, mean + 1, 2, sensors]);

describe("what is missing", () => {
  it("is where nobody measured: at the begin, between, at the end, but not in the future", () => {
    const points = [10, 11, 12, 20, 21].map((hour) => point(hour * HOUR, 1));
    expect(holesOf(points, HOUR, { from: 0, to: 48 * HOUR }, 30 * HOUR)).toEqual([[0, 10 * HOUR], [13 * HOUR, 20 * HOUR], [22 * HOUR, 30 * HOUR]]);
  });

  it("is nothing where a sensor reports in its own slower rhythm", () => {
    const points = [0, 6, 12, 18].map((hour) => point(hour * HOUR, 1));
    expect(holesOf(points, HOUR, { from: 0, to: 24 * HOUR }, 24 * HOUR)).toEqual([]);
  });

  it("is all where there is nothing, and nothing of what is still to come", () => {
    expect(holesOf([], HOUR, { from: 0, to: DAY }, 2 * DAY)).toEqual([[0, DAY]]);
    expect(holesOf([], HOUR, { from: DAY, to: 2 * DAY }, DAY)).toEqual([]);
  });
});

describe("what is said of a period", () => {
  it("is the mean over time, the least and the largest, and how many sensors there were", () => {
    expect(summaryOf([point(0, 2, 3), point(1, 4, 5)])).toEqual({ mean: 3, min: 1, max: 5, readings: 4, sensors: [3, 5] });
    expect(summaryOf([point(0, 2)])?.sensors).toBe(null);
    expect(summaryOf([])).toBe(null);
  });

  it("is compared in per cent only where those say something", () => {
    expect(changeOf(3, 2, "level_m")).toBe(50);
    expect([changeOf(3, 0, "rain_mm"), changeOf(20, 10, "temperature_c"), changeOf(1, -1, "level_m")]).toEqual([null, null, null]);
  });
});

describe("the chart of history", () => {
  const words: HistoryWords = { mean: "mean", range: "range", value: String, tick: String, dateTime: (time) => `at ${time}`, made: (_, readings) => `${readings} readings` };
  const drawn: HistoryDrawn = {
    points: [[0, 2, 1, 3, 4], [10, 4, 4, 4, 1]], step: 10, from: 0, to: 20, unit: "m", font: "",
    others: [{ word: "before", points: [[-102, 9, 8, 10, 1]], step: 10, shift: 100, dashes: [2, 3] }], holes: [[15, 20]],
  };

  it("moves the other periods onto this one, and makes room for them", () => {
    const { series, yAxis } = historyOptions(drawn, words, (name) => name) as { series: { name: string; data: unknown; markArea?: { data: unknown } }[]; yAxis: { max: number } };
    expect(series.map((one) => one.name)).toEqual(["low", "range", "before", "mean"]);
    expect(series[1]?.data).toEqual([[0, 2], [10, 0]]);
    expect(series[2]?.data).toEqual([[-2, 9]]);
    expect(series[3]?.markArea?.data).toEqual([[{ xAxis: 15 }, { xAxis: 20 }]]);
    expect(yAxis.max).toBeGreaterThan(9);
  });

  it("says under the pointer what all of them were", () => {
    expect(told(drawn, words, 0)).toBe("at 0\nmean: 2 m\nrange: 1 – 3\n4 readings\nbefore: 9 m");
    expect(told(drawn, words, 10)).toBe("at 10\nmean: 4 m\n1 readings");
  });
});
