/** How a clock of a case is drawn. Pure: time comes as an argument. */
import { type Clock, TIME_UNITS, type TimeUnit } from "../api/cases";

/** A clock warns at this share of its limit. */
export const WARN_SHARE = 0.8;

export type ClockState = "running" | "warned" | "breached" | "paused" | "stopped";

export interface ClockView {
  state: ClockState;
  /** What is used of the limit: 1 is all of it, and it may be more. */
  share: number;
  /** Used so far, in milliseconds of the limit's unit of time. */
  used: number;
  /** Until it is due, or since, by the wall; null while it does not run. */
  left: number | null;
}

/** The parts of a limit, as in `4 work_hour`; null if it is of a unit that this page does not know. */
export function limitOf(text: string): { amount: number; unit: TimeUnit } | null {
  const [amount = "", word = ""] = text.split(" ");
  const unit = TIME_UNITS.find((one) => one === word);
  return unit && Number.isFinite(Number(amount)) ? { amount: Number(amount), unit } : null;
}

/** `used` and `limit` are what the server said, in milliseconds, when it was asked. */
export function clockView(clock: Clock, used: number, limit: number, now: number): ClockView {
  const unit = limitOf(clock.limit)?.unit;
  // Working hours need the city's calendar, which the server has: between two answers such a clock stands.
  const isRound = unit === "urgent_hour" || unit === "natural_day";
  const since = clock.running_since;
  const shown = isRound && since !== null ? Math.max(used, clock.used_ms + (now - since)) : used;
  return { state: stateOf(clock, now), share: limit > 0 ? shown / limit : 0, used: shown, left: clock.due_at === null ? null : clock.due_at - now };
}

function stateOf(clock: Clock, now: number): ClockState {
  const isDue = clock.due_at !== null && clock.due_at <= now;
  if (clock.breached_at !== null || isDue) return "breached";
  if (clock.stopped_at !== null) return "stopped";
  if (clock.running_since === null) return "paused";
  return clock.warned_at !== null || (clock.warn_at !== null && clock.warn_at <= now) ? "warned" : "running";
}
