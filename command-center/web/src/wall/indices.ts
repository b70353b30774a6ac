/**
 * The indexes that a city is spoken of by, from what the API measured: air quality of HJ 633, traffic of GB/T 33171.
 * Pure. Unknown stays null.
 */
import type { HourMean } from "../api/types";

/** The indexes that the limits stand for, from the first row of the table to the last. */
export const INDEXES = [0, 50, 100, 150, 200, 300, 400, 500] as const;

interface Pollutant {
  /** The smallest step of a concentration in µg/m³; means are rounded to it, halves to even. */
  step: number;
  /** Concentrations in steps at which the index reaches those of `INDEXES`; fewer where the column ends. */
  of2026: readonly number[];
  /** The edition of 2012, where it differs. */
  of2012?: readonly number[];
  /** The index beyond the last limit, of both editions; null: none is told. */
  beyond: readonly [of2026: number, of2012: number | null];
}

/** HJ 633—2026, table 3, and HJ 633—2012; the same as in `model/src/aqi.rs`, and a test compares them. */
export const POLLUTANTS: Record<string, Pollutant> = {
  so2_ugm3: { step: 1, of2026: [0, 150, 500, 650, 800], beyond: [200, null] },
  no2_ugm3: { step: 1, of2026: [0, 100, 200, 700, 1200, 2340, 3090, 3840], beyond: [500, 500] },
  co_ugm3: { step: 100, of2026: [0, 50, 100, 350, 600, 900, 1200, 1500], beyond: [500, 500] },
  o3_ugm3: { step: 1, of2026: [0, 160, 200, 300, 400, 800, 1000, 1200], beyond: [500, 500] },
  pm10_ugm3: { step: 1, of2026: [0, 50, 120, 250, 350, 420, 500, 600], of2012: [0, 50, 150, 250, 350, 420, 500, 600], beyond: [500, 500] },
  pm2_5_ugm3: { step: 1, of2026: [0, 35, 60, 115, 150, 250, 350, 500], of2012: [0, 35, 75, 115, 150, 250, 350, 500], beyond: [500, 500] },
};

/** Hours that end after this are judged by the edition of 2026: 1 March 2026 by the clocks of China. */
const FROM_2026 = Date.UTC(2026, 1, 28, 16);

/** The index of one pollutant: in proportion between two limits, rounded up (clause 4.2). */
export function iaqi({ metric, mean, ended_at }: HourMean): number | null {
  const pollutant = POLLUTANTS[metric];
  if (!pollutant || !Number.isFinite(mean)) return null;
  const isNew = ended_at > FROM_2026;
  const limits = isNew ? pollutant.of2026 : (pollutant.of2012 ?? pollutant.of2026);
  const steps = Math.max(0, halvesToEven(mean / pollutant.step));
  const row = limits.findIndex((limit) => limit >= steps);
  if (row < 0) return pollutant.beyond[isNew ? 0 : 1];
  if (row === 0) return INDEXES[0];
  const [low, high] = [limits[row - 1] ?? 0, limits[row] ?? 0];
  const [from, to] = [INDEXES[row - 1] ?? 0, INDEXES[row] ?? 0];
  return from + Math.ceil(((to - from) * (steps - low)) / (high - low));
}

function halvesToEven(value: number): number {
  const whole = Math.floor(value);
  const rest = value - whole;
  if (rest !== 0.5) return Math.round(value);
  return whole + (whole % 2);
}

export interface Air {
  index: number;
  /** The pollutant that it is of; null while the index is at most 50 (clause 5.2). */
  primary: string | null;
}

/** The air quality index: the largest of the pollutants' that were measured; null when none was. */
export function aqi(means: readonly HourMean[]): Air | null {
  let worst: Air | null = null;
  for (const mean of means) {
    const index = iaqi(mean);
    if (index !== null && (worst === null || index > worst.index)) worst = { index, primary: index > 50 ? mean.metric : null };
  }
  return worst;
}

/** 1 (excellent) to 6 (severely polluted). */
export function airClass(index: number): 1 | 2 | 3 | 4 | 5 | 6 {
  const row = [50, 100, 150, 200, 300].findIndex((limit) => index <= limit);
  return (row < 0 ? 6 : row + 1) as 1 | 2 | 3 | 4 | 5 | 6;
}

/** Delay-time proportions at which the traffic index reaches 0, 2, 4, 6, 8 and 10. */
const DELAYS = [0, 0.3, 0.5, 0.6, 0.7, 1] as const;

/** The traffic performance index, 0 to 10, of a delay-time proportion: GB/T 33171-2016, annex C, linear within its bands. */
export function trafficIndex(delay: number): number {
  const held = Math.min(1, Math.max(0, delay));
  const band = Math.max(1, DELAYS.findIndex((limit) => held <= limit));
  const [low, high] = [DELAYS[band - 1] ?? 0, DELAYS[band] ?? 1];
  return 2 * (band - 1 + (held - low) / (high - low));
}

/** Classes of the traffic index, from free flow to heavily congested. */
export const TRAFFIC_CLASSES = [1, 2, 3, 4, 5] as const;

/** 1 (free flow) to 5 (heavily congested). */
export function trafficClass(index: number): 1 | 2 | 3 | 4 | 5 {
  return Math.min(5, 1 + Math.floor(index / 2)) as 1 | 2 | 3 | 4 | 5;
}
