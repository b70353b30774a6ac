/** What is asked for to set an alarm aside, and which alarm is meant by one that is. Pure. */
import type { Aside, AsideKind, Incident } from "../api/types";

const HOUR = 3_600_000;

/** Hours for which an alarm is shelved; the server refuses more than seven days. */
export const HOURS = [1, 2, 4, 8, 12, 24, 72, 168] as const;

/** When it is to end: shelving after hours, the others at a time, or by hand when none is given. `now` is the log's clock. */
export function endOf(kind: AsideKind, hours: number, until: number | null, now: number): number | null {
  return kind === "shelved" ? now + hours * HOUR : until;
}

/** Whether it can be sent: a reason, and an end that is still to come. */
export function isWhole(reason: string, end: number | null, now: number): boolean {
  return reason.trim() !== "" && (end === null || end > now);
}

/** Those that hold: what is past its end is over, whether or not the server said so already. */
export function holding(asides: readonly Aside[], now: number): Aside[] {
  return asides.filter((one) => one.ended_at === null && (one.until === null || one.until > now));
}

/** An alarm is a rule at a key. */
export function isOf(aside: Aside, incident: Pick<Incident, "rule" | "key">): boolean {
  return aside.rule === incident.rule && aside.key === incident.key;
}
