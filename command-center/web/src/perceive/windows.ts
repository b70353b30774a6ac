/** Windows of maintenance: which is when, which is about a sensor, and what is asked for to plan one. Pure. */
import type { Maintenance, Schedule, TargetKind } from "../api/perceive";
import type { Sensor } from "../api/types";

const HOUR = 3_600_000;
/** The server refuses longer windows, and such that begin later. */
const LENGTH_MAX = 30 * 24 * HOUR;
const AHEAD_MAX = 366 * 24 * HOUR;

export const WHENS = ["now", "ahead", "over"] as const;
export type When = (typeof WHENS)[number];

export function whenOf(window: Maintenance, now: number): When {
  if (window.ended_by !== null || window.until <= now) return "over";
  return window.from <= now ? "now" : "ahead";
}

/** Whether a window is about a sensor: its own, or its subdistrict's or district's. */
export function isAbout(window: Maintenance, sensor: Pick<Sensor, "id" | "subdistrict" | "district">): boolean {
  if (window.kind === "sensor") return window.target === sensor.id;
  return window.kind === "area" && (window.target === sensor.subdistrict || window.target === sensor.district);
}

export interface Draft {
  kind: TargetKind;
  target: string;
  /** null: now. */
  from: number | null;
  until: number | null;
  reason: string;
}

/** What is still wrong with a draft; null when it can be sent. */
export function wantOf(draft: Draft, now: number): "target" | "past" | "order" | "long" | "reason" | null {
  const { target, from, until, reason } = draft;
  if (target.trim() === "") return "target";
  const begin = from ?? now;
  // A minute that has begun is now.
  if (begin < now - 60_000 || begin > now + AHEAD_MAX) return "past";
  if (until === null || until <= Math.max(begin, now)) return "order";
  if (until - begin > LENGTH_MAX) return "long";
  return reason.trim() === "" ? "reason" : null;
}

/** As it is sent; a begin that is not to come is left out, for the server to take its own now. */
export function bodyOf(draft: Draft, now: number): Schedule {
  const { kind, target, from, until, reason } = draft;
  return { kind, target: target.trim(), ...(from !== null && from > now ? { from } : {}), until: until ?? now, reason: reason.trim() };
}

/** The ids of the rules in force: what versions added and did not take away again; versions are newest first. */
export function rulesIn(versions: readonly { added: string[]; removed: string[]; in_force: boolean }[]): string[] {
  const at = Math.max(0, versions.findIndex((one) => one.in_force));
  const known = new Set<string>();
  for (const version of versions.slice(at).reverse()) {
    for (const id of version.added) known.add(id);
    for (const id of version.removed) known.delete(id);
  }
  return [...known].sort();
}
