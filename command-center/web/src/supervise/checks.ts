/** A month's check: where its visits are, which were made and with what outcome, and what one is told with. Pure. */
import type { FoundEvent, MonthCheck, MonthCheckDetail } from "../api/supervise";

/** Cells of a degree, as plans are drawn. */
const CELLS_PER_DEGREE = 1_000;
/** What the server takes. */
export const VISITS_MAX = 150;
export const CLASSES_MAX = 15;
export const FOUND_MAX = 20;
/** Digits of a degree: a tenth of a metre or so. */
const DIGITS = 6;

export interface Point {
  lon: number;
  lat: number;
}

/** The middle of a cell, as in `116397/39909`; null where the code is none. */
export function middleOf(cell: string): Point | null {
  const [x, y] = cell.split("/").map(Number);
  if (x === undefined || y === undefined || !Number.isInteger(x) || !Number.isInteger(y)) return null;
  const middle = (edge: number): number => Number(((edge + 0.5) / CELLS_PER_DEGREE).toFixed(DIGITS));
  return { lon: middle(x), lat: middle(y) };
}

/** What came of a visit: nobody was there, nothing was there, all of it was known, or something was missed. */
export type Outcome = "todo" | "nothing" | "known" | "missed";

export interface VisitRow {
  /** Which of the plan, from 0. */
  visit: number;
  area: string;
  class: string;
  place: Point | null;
  outcome: Outcome;
  by: string | null;
  at: number | null;
  found: FoundEvent[];
  note: string;
}

const missedOf = (found: readonly FoundEvent[]): number => found.filter((event) => event.case_number === null).length;

export function rowsOf(check: MonthCheckDetail): VisitRow[] {
  const made = new Map(check.made.map((one) => [one.visit, one]));
  const notes = new Map(check.steps.filter((step) => step.step === "visited").map((step) => [step["visit"], step["note"]]));
  return check.visits.map((visit, index) => {
    const one = made.get(index);
    const note = notes.get(index);
    const outcome = !one ? "todo" : one.found.length === 0 ? "nothing" : missedOf(one.found) > 0 ? "missed" : "known";
    return { visit: index, area: visit.area, class: visit.class, place: middleOf(visit.cell), outcome, by: one?.by ?? null, at: one?.at ?? null, found: one?.found ?? [], note: typeof note === "string" ? note : "" };
  });
}

/** Those of a list of visits that are looked at. */
export const SHOWN = ["all", "todo", "made", "missed"] as const;
export type Shown = (typeof SHOWN)[number];

export function isShown(row: VisitRow, shown: Shown): boolean {
  return shown === "all" || (shown === "made" ? row.outcome !== "todo" : row.outcome === shown);
}

export interface Progress {
  made: number;
  planned: number;
  found: number;
  missed: number;
}

export function progressOf(check: Pick<MonthCheck, "made" | "visits">): Progress {
  const found = check.made.flatMap((one) => one.found);
  return { made: check.made.length, planned: check.visits.length, found: found.length, missed: missedOf(found) };
}

/** The classes that a check looks for. */
export function classesOf(check: Pick<MonthCheck, "strata">): string[] {
  return [...new Set(check.strata.map((part) => part.class))].sort();
}

/** The subdistricts that it is drawn from, and the cells of one class in all of them. */
export function groundOf(check: Pick<MonthCheck, "strata">): { areas: number; cells: number } {
  const cells = new Map(check.strata.map((part) => [part.area, part.cells]));
  return { areas: cells.size, cells: [...cells.values()].reduce((sum, one) => sum + one, 0) };
}

/** What is asked for an event, as it is typed. */
export interface DraftEvent {
  lon: string;
  lat: string;
  what: string;
  case: string;
}

export interface DraftVisit {
  /** What was there; null while nobody said it. */
  outcome: "nothing" | "found" | null;
  events: DraftEvent[];
  note: string;
}

export function eventAt(place: Point | null): DraftEvent {
  return { lon: place ? String(place.lon) : "", lat: place ? String(place.lat) : "", what: "", case: "" };
}

const degrees = (text: string, most: number): number | null => {
  const number = text.trim() === "" ? NaN : Number(text);
  return Math.abs(number) <= most ? number : null;
};

/** What is sent of a visit; null while something lacks. */
export function bodyOf(visit: number, draft: DraftVisit): Record<string, unknown> | null {
  const note = draft.note.trim();
  if (draft.outcome === null) return null;
  if (draft.outcome === "nothing") return { visit, found: [], note };
  const found = draft.events.map((event) => ({ lon: degrees(event.lon, 180), lat: degrees(event.lat, 90), what: event.what.trim(), case: event.case.trim() || null }));
  return found.length > 0 && found.every((event) => event.lon !== null && event.lat !== null) ? { visit, found, note } : null;
}

/** What a plan draws at least: each class in each subdistrict once. */
export function leastOf(subdistricts: number, classes: number): number {
  return subdistricts * classes;
}
