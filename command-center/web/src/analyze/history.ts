/** What is asked of history, as it stands in the address; which periods are put beside it; what is said of an answer. Pure. */
import type { SeriesPoint } from "../api/types";

export const SPANS = ["day", "week", "month", "quarter", "year", "own"] as const;
export type Span = (typeof SPANS)[number];
/** The periods that the one asked for is held against. */
export const BESIDE = ["week", "year"] as const;
export type Beside = (typeof BESIDE)[number];

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The city's clock, which has no summer time. */
const AHEAD = 8 * HOUR;
/** A period ends on a whole one of these, so that asking again a moment later is asking the same. */
const WHOLE = 300_000;
const DAYS: Record<Exclude<Span, "own">, number> = { day: 1, week: 7, month: 30, quarter: 91, year: 365 };
/** A hole is so many steps wide, as in every chart. */
const HOLE_STEPS = 2.5;

export interface AskedOfHistory {
  /** Empty until the first one that is measured is known. */
  metric: string;
  /** Code of a district or a subdistrict; empty for the city. Of no account where a sensor is named. */
  area: string;
  sensor: string;
  span: Span;
  /** Days of the city, `2026-03-02`, both of them within; of `own` only. */
  from: string;
  until: string;
}

const isDay = (text: unknown): text is string => typeof text === "string" && /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));

/** Reads an address; what it does not know stays at what is usual. */
export function askedOfHistory(query: Record<string, unknown>): AskedOfHistory {
  const text = (name: string): string => (typeof query[name] === "string" ? query[name] : "");
  const day = (name: string): string => (isDay(query[name]) ? query[name] : "");
  const span = SPANS.find((one) => one === query["span"]) ?? "day";
  return { metric: text("metric"), area: text("area"), sensor: text("sensor"), span, from: day("from"), until: day("until") };
}

/** The address of it, without what is usual. */
export function addressOfHistory({ metric, area, sensor, span, from, until }: AskedOfHistory): Record<string, string> {
  const own = span === "own";
  const said = { view: "history", metric, area: sensor ? "" : area, sensor, span: span === "day" ? "" : span, from: own ? from : "", until: own ? until : "" };
  return Object.fromEntries(Object.entries(said).filter(([, one]) => one !== ""));
}

export interface Period {
  from: number;
  to: number;
}

/** The first instant of a day of the city. */
function beginOf(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) - AHEAD;
}

/** The day of the city at an instant, as a field for it takes it. */
export function dayOf(time: number): string {
  return new Date(time + AHEAD).toISOString().slice(0, 10);
}

/** The period that is asked for; null while days of one's own are missing or the wrong way round. */
export function periodOf({ span, from, until }: AskedOfHistory, now: number): Period | null {
  if (span !== "own") {
    const to = Math.ceil(now / WHOLE) * WHOLE;
    return { from: to - DAYS[span] * DAY, to };
  }
  if (from === "" || until === "" || from > until) return null;
  return { from: beginOf(from), to: beginOf(until) + DAY };
}

/** The same time of the day on the same day of the year before; of 29 February the 28th. */
function yearBefore(time: number): number {
  const day = dayOf(time);
  const before = `${Number(day.slice(0, 4)) - 1}${day.slice(4)}`.replace("02-29", "02-28").padStart(10, "0");
  return beginOf(before) + (time - beginOf(day));
}

/**
 * By how much the period that is put beside lies before; null where the two would overlap, and say little: of a period
 * longer than a week the same one last week, of one longer than a year the same one last year.
 */
export function shiftOf(beside: Beside, { from, to }: Period): number | null {
  const shift = beside === "week" ? 7 * DAY : from - yearBefore(from);
  return to - from > shift ? null : shift;
}

/** How many points are asked for: five minutes of a day, hours of a week, days of a year. */
export function pointsOf({ from, to }: Period): number {
  const length = to - from;
  if (length <= 2 * DAY) return 288;
  return length <= 62 * DAY ? 400 : Math.min(800, Math.max(1, Math.floor(length / DAY)));
}

/** Points as they come: of an area each ends with the number of sensors that have a value in it. */
export type Point = SeriesPoint | [...SeriesPoint, sensors: number];

/** Stretches of the period, as far as it has come, in which nobody measured. */
export function holesOf(points: readonly Point[], step: number, { from, to }: Period, now: number): [number, number][] {
  const end = Math.min(to, now);
  if (end <= from) return [];
  const times = points.map((point) => point[0]);
  const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0)).sort((a, b) => a - b);
  // Who reports less often than the step has no holes by that.
  const rhythm = Math.max(step, gaps[Math.floor(gaps.length / 2)] ?? step);
  const bounds = [from - rhythm, ...times, end];
  return bounds.slice(1).flatMap((time, at): [number, number][] => {
    const before = bounds[at] ?? 0;
    const [begin, over] = [Math.max(from, before + rhythm), Math.min(end, time)];
    return time - before > HOLE_STEPS * rhythm && over > begin ? [[begin, over]] : [];
  });
}

export interface Summary {
  /** Of the points: each stretch of time counts the same, however often it was measured. */
  mean: number;
  min: number;
  max: number;
  readings: number;
  /** The fewest and the most sensors with a value at once; null of a single one. */
  sensors: [number, number] | null;
}

/** What is said of a period in a row; null where nothing was measured. */
export function summaryOf(points: readonly Point[]): Summary | null {
  if (points.length === 0) return null;
  const sum = (of: (point: Point) => number): number => points.reduce((all, point) => all + of(point), 0);
  const sensors = points.flatMap((point) => (point.length === 6 ? [point[5]] : []));
  return {
    mean: sum((point) => point[1]) / points.length,
    min: points.reduce((least, point) => Math.min(least, point[2]), Infinity),
    max: points.reduce((most, point) => Math.max(most, point[3]), -Infinity),
    readings: sum((point) => point[4]),
    sensors: sensors.length === 0 ? null : [sensors.reduce((a, b) => Math.min(a, b)), sensors.reduce((a, b) => Math.max(a, b))],
  };
}

/** How many per cent a mean is above another; null where that says nothing: of what may be negative, and of zero. */
export function changeOf(now: number, then: number, metric: string): number | null {
  return then > 0 && now >= 0 && !metric.endsWith("_c") ? (100 * (now - then)) / then : null;
}
