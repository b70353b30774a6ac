import { describe, expect, it } from "vitest";
import type { Kpis } from "../src/api/supervise";
import { columnsOf, isFault, monthAfter, placeOf, rowsOf } from "../src/supervise/month";

const kpis = (rates: Kpis["rates"], handled = 0, worked_ms = 0): Kpis => ({ rates, handled, worked_ms });

describe("a month", () => {
  const table = {
    few: kpis({ handled: { hits: 1, of: 2 }, solved: { hits: 0, of: 0 } }, 2, 7_200_000),
    many: kpis({ handled: { hits: 9, of: 10 }, returned: { hits: 1, of: 12 } }),
  };

  it("shows those with most to do first, and no value where nothing fell into it", () => {
    const rows = rowsOf(table);
    expect(rows.map((row) => [row.code, row.handlingMs])).toEqual([["many", null], ["few", 3_600_000]]);
    const cell = (row: number, kpi: string) => rows[row]?.cells.find((one) => one.kpi === kpi);
    expect(cell(0, "handled")).toEqual({ kpi: "handled", rate: { hits: 9, of: 10 }, share: 0.9 });
    expect(cell(1, "solved")).toEqual({ kpi: "solved", rate: null, share: null });
    expect(cell(1, "closed")?.share).toBe(null);
    expect(rowsOf(undefined)).toEqual([]);
  });

  it("has a column for what has a value somewhere", () => {
    expect(columnsOf(rowsOf(table))).toEqual(["handled", "returned"]);
    expect([isFault("returned"), isFault("handled")]).toEqual([true, false]);
  });

  it("says places that cannot be told apart as a span, and none where there is no rank", () => {
    expect(placeOf({ rank: 3, rank_worst: 7 })).toBe("3–7");
    expect(placeOf({ rank: 1, rank_worst: 1 })).toBe("1");
    expect(placeOf({ rank: null, rank_worst: null })).toBe(null);
  });

  it("has neighbours over the year's end", () => {
    expect(monthAfter("2026-12", 1)).toBe("2027-01");
    expect(monthAfter("2026-01", -1)).toBe("2025-12");
    expect(monthAfter("2026-07", 0)).toBe("2026-07");
  });
});
