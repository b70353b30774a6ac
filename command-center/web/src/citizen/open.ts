/** The city's open data as its page shows them: the documents, what a row is, which rows come first. Pure. */

export const DOCUMENTS = ["air", "traffic", "waterlogging", "bins", "scores"] as const;
export type Document = (typeof DOCUMENTS)[number];
/** Rows of these are districts and units, few; of the others sensors, perhaps tens of thousands: asked for when they are opened. */
export const SMALL: readonly Document[] = ["air", "traffic", "scores"];
export const FORMATS = ["geojson", "csv"] as const;
/** Rows shown until all are asked for; of sensors that is all that is shown. */
export const FIRST = 8;

export interface Air {
  code: string;
  name_zh: string | null;
  name_en: string | null;
  aqi: number | null;
  class: number | null;
  primary_pollutant: string | null;
  hour_ended_at: string | null;
}
export interface Traffic {
  code: string;
  name_zh: string | null;
  name_en: string | null;
  traffic_index: number | null;
  class: number | null;
  detectors: number;
}
export interface Gauge {
  sensor: string;
  district: string | null;
  subdistrict: string | null;
  state: string;
  measured_at: string | null;
  depth_m?: number | null;
  fill_ratio?: number | null;
}
export interface Score {
  month: string;
  peers: string;
  rank: number | null;
  unit: string;
  name_zh: string | null;
  name_en: string | null;
  score: number | null;
  low: number | null;
  high: number | null;
  least_n: number;
}
export interface Rows {
  air: Air;
  traffic: Traffic;
  waterlogging: Gauge;
  bins: Gauge;
  scores: Score;
}

export function pathOf(name: Document, format: (typeof FORMATS)[number]): string {
  return `/open-data/${name}.${format}`;
}

/** What is measured there; null is unknown. */
export function measureOf(row: Gauge): number | null {
  return row.depth_m ?? row.fill_ratio ?? null;
}

/** What sensors say as a whole: how many there are, how many say something, the largest and the mean of that. */
export function figuresOf(rows: readonly Gauge[]): { all: number; known: number; most: number | null; mean: number | null } {
  const values = rows.map(measureOf).filter((value) => value !== null);
  const known = values.length;
  const sum = values.reduce((total, value) => total + value, 0);
  return { all: rows.length, known, most: known ? values.reduce((most, value) => Math.max(most, value)) : null, mean: known ? sum / known : null };
}

/** The largest first; what is unknown last. */
export function largestFirst<T>(rows: readonly T[], of: (row: T) => number | null): T[] {
  return [...rows].sort((a, b) => (of(b) ?? -Infinity) - (of(a) ?? -Infinity));
}
