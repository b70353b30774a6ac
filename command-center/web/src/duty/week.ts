/** A roster's week as it is drawn: who is on duty, day by day. Pure. */
import type { Span } from "../api/duty";

export const DAY_MS = 86_400_000;
/** The city's time is this far ahead of UTC, without summer time. */
const AHEAD_MS = 8 * 3_600_000;

/** A part of a day. `left` and `width` are shares of the day. */
export interface Piece {
  from: number;
  to: number;
  left: number;
  width: number;
  who: string[];
}

/** Midnight of the Monday of a week, in the city. */
export function mondayOf(at: number): number {
  const days = Math.floor((at + AHEAD_MS) / DAY_MS);
  // 1970-01-01 was a Thursday.
  return (days - ((((days + 3) % 7) + 7) % 7)) * DAY_MS - AHEAD_MS;
}

/** Seven days from `monday` on, each with its pieces in order. */
export function daysOf(spans: Span[], monday: number): { at: number; pieces: Piece[] }[] {
  return Array.from({ length: 7 }, (_, day) => {
    const at = monday + day * DAY_MS;
    const within = spans.filter((span) => span.from < at + DAY_MS && span.to > at);
    const pieces = within.map((span) => {
      const [from, to] = [Math.max(span.from, at), Math.min(span.to, at + DAY_MS)];
      return { from, to, left: (from - at) / DAY_MS, width: (to - from) / DAY_MS, who: span.who };
    });
    return { at, pieces };
  });
}
