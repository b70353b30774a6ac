/** What a month's report is made into for tables and drawings. Pure. */
import { KPIS, type Kpi, type Kpis, type Ranked, type Rate } from "../api/supervise";

/** A share with what it is of; null where nothing fell into it. */
export interface Cell {
  kpi: Kpi;
  rate: Rate | null;
  share: number | null;
}

export interface KpiRow {
  code: string;
  cells: Cell[];
  /** Mean time of handling in milliseconds of working time; null where nothing was handled. */
  handlingMs: number | null;
}

/** Faults: less of them is better. */
const FAULTS: readonly Kpi[] = ["reworked", "returned", "duplicate"];
export const isFault = (kpi: Kpi): boolean => FAULTS.includes(kpi);

/** The table's rows, those with most to be handled first. */
export function rowsOf(table: Record<string, Kpis> | undefined): KpiRow[] {
  const weight = (kpis: Kpis): number => kpis.rates["handled"]?.of ?? 0;
  return Object.entries(table ?? {})
    .sort(([a, x], [b, y]) => weight(y) - weight(x) || (a < b ? -1 : 1))
    .map(([code, kpis]) => ({
      code,
      cells: KPIS.map((kpi) => {
        const rate = kpis.rates[kpi];
        const known = rate !== undefined && rate.of > 0 ? rate : null;
        return { kpi, rate: known, share: known ? known.hits / known.of : null };
      }),
      handlingMs: kpis.handled > 0 ? kpis.worked_ms / kpis.handled : null,
    }));
}

/** The indicators that have a value in at least one row: the others would be columns of dashes. */
export function columnsOf(rows: KpiRow[]): Kpi[] {
  return KPIS.filter((kpi) => rows.some((row) => row.cells.some((cell) => cell.kpi === kpi && cell.rate !== null)));
}

/** A unit's place: `3`, or `3–7` where it cannot be told apart; null where it is not ranked. */
export function placeOf({ rank, rank_worst: worst }: Pick<Ranked, "rank" | "rank_worst">): string | null {
  if (rank === null || worst === null) return null;
  return rank === worst ? String(rank) : `${rank}–${worst}`;
}

/** The month so many months later or earlier, as in 2026-07. */
export function monthAfter(month: string, months: number): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  const all = year * 12 + (number - 1) + months;
  return `${String(Math.floor(all / 12)).padStart(4, "0")}-${String((all % 12) + 1).padStart(2, "0")}`;
}
