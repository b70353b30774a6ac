/** What is foretold of many sensors, and where an interval lies on its line. Pure. */

/** Domains of which something is foretold. */
export const FORETOLD = ["waste", "drainage"] as const;
/** How far ahead, in hours. */
export const AHEAD_HOURS = [2, 6, 24, 72, 168] as const;

/** The interval and its middle on a line of 100 from now until the end of what is looked at; what goes beyond stops there. */
export function lineOf(forecast: { at: number; earliest: number; latest?: number | null }, from: number, until: number): { from: number; at: number; to: number } {
  const place = (time: number): number => Math.min(100, Math.max(0, (100 * (time - from)) / Math.max(1, until - from)));
  return { from: place(forecast.earliest), at: place(forecast.at), to: place(forecast.latest ?? until) };
}
