/** Which cases are shown where, and in which order. Pure. */
import { CASE_STATES, type CaseRow, type CaseState } from "../api/cases";

/** The columns of the board: the states in which a case waits for somebody. */
export const COLUMNS = ["reported", "outside", "verified", "registered", "dispatched", "handling", "suspended", "feedback"] as const satisfies readonly CaseState[];
/** What a list may ask for. */
export const WANTED = ["open", "over", "all", ...CASE_STATES] as const;
export type Wanted = (typeof WANTED)[number];
/** Cases that are over and still held, so that an older answer does not bring them back; past it the oldest go. */
export const OVER_MAX = 500;

export interface CaseFilter {
  view: "board" | "list";
  /** Of the list only: the board shows what is open. */
  state: Wanted;
  unit: string;
  /** Code of a district or subdistrict. */
  area: string;
  class: string;
  late: boolean;
}

export function everyCase(): CaseFilter {
  return { view: "board", state: "open", unit: "", area: "", class: "", late: false };
}

/** The filter of an address; what it does not say, or says wrongly, is not narrowed. */
export function filterOf(query: Record<string, unknown>): CaseFilter {
  const text = (name: string): string => (typeof query[name] === "string" ? query[name] : "");
  const state = WANTED.find((one) => one === query["state"]) ?? "open";
  // A link that asks for what a board cannot show is for the list.
  const view = query["view"] === "list" || state !== "open" ? "list" : "board";
  return { view, state, unit: text("unit"), area: text("area"), class: text("class"), late: query["late"] === "true" };
}

/** The address of a filter, without what goes without saying. */
export function queryOf(filter: CaseFilter): Record<string, string> {
  const said = { view: filter.view === "list" ? "list" : "", state: filter.state === "open" || filter.view === "board" ? "" : filter.state, unit: filter.unit, area: filter.area, class: filter.class, late: filter.late ? "true" : "" };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== ""));
}

export function isNarrowed(filter: CaseFilter): boolean {
  return filter.unit !== "" || filter.area !== "" || filter.class !== "" || filter.late || (filter.view === "list" && filter.state !== "open");
}

function passes(row: CaseRow, filter: CaseFilter): boolean {
  return (
    row.is_open &&
    (filter.unit === "" || row.unit === filter.unit) &&
    (filter.area === "" || row.district === filter.area || row.subdistrict === filter.area) &&
    (filter.class === "" || row.class === filter.class) &&
    (!filter.late || row.is_late)
  );
}

/** Late ones first, then by what is due next; what has no clock stands last, the oldest report first. */
export function byUrgency(a: CaseRow, b: CaseRow): number {
  return (
    Number(b.is_late) - Number(a.is_late) ||
    (a.due_at ?? Infinity) - (b.due_at ?? Infinity) ||
    a.reported_at - b.reported_at ||
    (a.id < b.id ? -1 : 1)
  );
}

export interface Column {
  state: (typeof COLUMNS)[number];
  rows: CaseRow[];
  late: number;
}

/** The open cases that pass, by state. */
export function columnsOf(cases: Iterable<CaseRow>, filter: CaseFilter): Column[] {
  const columns = new Map<string, Column>(COLUMNS.map((state) => [state, { state, rows: [], late: 0 }]));
  for (const row of cases) {
    const column = columns.get(row.state);
    if (!column || !passes(row, filter)) continue;
    column.rows.push(row);
    column.late += Number(row.is_late);
  }
  for (const column of columns.values()) column.rows.sort(byUrgency);
  return [...columns.values()];
}

/** Takes in a case, from the stream or an answer: an older version never replaces a newer one. Whether it changed anything. */
export function keepCase(held: Map<string, CaseRow>, row: CaseRow): boolean {
  const known = held.get(row.id);
  if (known && known.version >= row.version) return false;
  // Anew at the end, so that the map is in the order of changes.
  held.delete(row.id);
  held.set(row.id, row);
  if (!row.is_open) forgetOver(held);
  return true;
}

function forgetOver(held: Map<string, CaseRow>): void {
  const over = [...held.values()].filter((row) => !row.is_open);
  for (const row of over.slice(0, Math.max(0, over.length - OVER_MAX))) held.delete(row.id);
}
