import { describe, expect, it } from "vitest";
import { clock, dateTime, hourMinute, measured, metres, nameOf, span, unit, value } from "../src/format";

const S = 1_000;
const H = 3_600 * S;

describe("times", () => {
  it("are the city's, whatever the browser's zone", () => {
    const time = Date.UTC(2026, 6, 1, 16, 5, 9);
    expect(clock(time, "zh")).toBe("00:05:09");
    expect(hourMinute(time, "en")).toBe("00:05");
    expect(dateTime(time, "zh")).toBe("2026/07/02 00:05:09");
    expect(dateTime(time, "en")).toBe("02/07/2026 00:05:09");
  });
});

describe("spans", () => {
  it("have one unit below an hour and two above", () => {
    expect(span(8 * S, "en")).toBe("8 s");
    expect(span(90 * S, "en")).toBe("1 min");
    expect(span(H, "en")).toBe("1 h");
    expect(span(3 * H + 20 * 60 * S, "en")).toBe("3 h 20 min");
    expect(span(52 * H, "zh")).toBe("2 天 4 小时");
    expect(span(59.6 * S, "zh")).toBe("1 分钟");
  });

  it("are never negative: clocks of two machines differ", () => {
    expect(span(-5 * S, "zh")).toBe("0 秒");
  });
});

describe("values", () => {
  it("have the digits they are worth", () => {
    expect(value(0.12345, "en")).toBe("0.123");
    expect(value(1.239, "en")).toBe("1.24");
    expect(value(42.06, "en")).toBe("42.1");
    expect(value(12345.6, "en")).toBe("12,346");
    expect(value(-0.5, "zh")).toBe("-0.5");
  });

  it("have printed units, and unknown codes as they are", () => {
    expect(unit("ug/m3")).toBe("µg/m³");
    expect(unit("1")).toBe("");
    expect(unit("hPa")).toBe("hPa");
    expect(unit(null)).toBe("");
  });

  it("are per cent for shares", () => {
    expect(measured("fill_ratio", 0.4991, "1", "en")).toEqual({ text: "49.9", unit: "%" });
    expect(measured("level_m", 0.4991, "m", "en")).toEqual({ text: "0.499", unit: "m" });
  });

  it("are metres, then kilometres", () => {
    expect(metres(431.6, "en")).toBe("432 m");
    expect(metres(2390, "en")).toBe("2.39 km");
  });
});

describe("names", () => {
  it("fall back to the language there is", () => {
    expect(nameOf({ zh: "朝阳区", en: "Chaoyang" }, "en")).toBe("Chaoyang");
    expect(nameOf({ zh: "朝阳区" }, "en")).toBe("朝阳区");
    expect(nameOf("S1", "zh")).toBe("S1");
    expect(nameOf(null, "zh")).toBe("");
  });
});
