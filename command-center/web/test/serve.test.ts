import { describe, expect, it } from "vitest";
import { bodyOf, emptyDraft, joinedOf, lacking } from "../src/cases/acts";
import { figuresOf, type Gauge, largestFirst, measureOf, pathOf } from "../src/citizen/open";
import { addressOf, askedOf, everyAppeal, isNarrowed, viewsOf } from "../src/serve/asked";
import { takenCsv } from "../src/serve/taken";

describe("what the page of serve shows", () => {
  it("is what the roles may see", () => {
    expect(viewsOf(["operator"])).toEqual(["appeals", "call", "lists", "outside", "servers"]);
    expect(viewsOf(["supervisor"])).toEqual(["appeals", "outside"]);
    expect(viewsOf(["administrator"])).toEqual(["servers"]);
    expect(viewsOf(["unit", "rule-engineer"])).toEqual([]);
  });

  it("stands in the address, and back", () => {
    const views = viewsOf(["operator"]);
    const asked = askedOf({ state: "handling", channel: "wechat", text: "积水", area: "110101", class: "0402", view: "appeals" }, views);
    expect(askedOf(addressOf(asked), views)).toEqual(asked);
    expect(addressOf({ view: "appeals", ...everyAppeal() })).toEqual({});
    expect(addressOf({ view: "outside", ...everyAppeal() })).toEqual({ view: "outside" });
    expect([isNarrowed(asked), isNarrowed({ view: "appeals", ...everyAppeal() })]).toEqual([true, false]);
  });

  it("stays at what is usual where the address says something else", () => {
    expect(askedOf({ view: "call", state: "void", channel: "smoke" }, viewsOf(["supervisor"]))).toEqual({ view: "appeals", ...everyAppeal() });
    expect(askedOf({}, viewsOf(["administrator"])).view).toBe("servers");
  });
});

describe("numbers and secrets for the hotline", () => {
  it("are CSV that no table program calculates with", () => {
    const line = (reference: string) => ({ reference, number: "1", secret: "2-3" });
    expect(takenCsv([line("H1"), line("=1+1"), line('a,"b"')])).toBe('\uFEFFreference,number,secret\r\nH1,1,2-3\r\n\'=1+1,1,2-3\r\n"a,""b""",1,2-3\r\n');
  });
});

describe("an incident that joined", () => {
  it("is one of those that the case was not made from", () => {
    expect(joinedOf({ rule: null, incidents: ["a", "b"] })).toEqual(["a", "b"]);
    expect(joinedOf({ rule: "drainage.ponding", incidents: ["a", "b"] })).toEqual(["b"]);
  });

  it("is named with a reason", () => {
    const draft = { ...emptyDraft(), words: " elsewhere " };
    expect(lacking("separate", draft, 0, false)).toBe("incident");
    draft.incident = "b";
    expect(lacking("separate", draft, 0, false)).toBeNull();
    expect(bodyOf("separate", draft)).toEqual({ incident: "b", reason: "elsewhere" });
  });
});

describe("open data", () => {
  const gauge = (depth_m: number | null): Gauge => ({ sensor: "s", district: null, subdistrict: null, state: "online", measured_at: null, depth_m });

  it("counts what is known, and nothing as zero", () => {
    expect(figuresOf([gauge(0.2), gauge(null), gauge(0)])).toEqual({ all: 3, known: 2, most: 0.2, mean: 0.1 });
    expect(figuresOf([gauge(null)])).toEqual({ all: 1, known: 0, most: null, mean: null });
    expect(figuresOf([])).toEqual({ all: 0, known: 0, most: null, mean: null });
  });

  it("shows the largest first and the unknown last", () => {
    expect(largestFirst([gauge(null), gauge(0.1), gauge(0.3)], measureOf).map(measureOf)).toEqual([0.3, 0.1, null]);
    expect(pathOf("bins", "csv")).toBe("/open-data/bins.csv");
  });
});
