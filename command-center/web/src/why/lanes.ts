/** What is drawn of a truth over time, and how what something was worth is written. Pure. */
import type { Course, Truth, Worth } from "../api/why";
import type { RuleVersion } from "../api/types";
import { value } from "../format";
import type { Lang } from "../words";

export interface Segment {
  from: number;
  to: number;
  truth: Truth;
}

/** The stretches of one truth each, from its first evaluation until the end of what was looked at. */
export function segments(course: Course, until: number): Segment[] {
  return course.flatMap(([from, truth], at) => {
    const to = course[at + 1]?.[0] ?? until;
    return to > from || at === course.length - 1 ? [{ from, to, truth }] : [];
  });
}

/** Marks of an axis of time: at most `most`, on whole steps of the clock. */
export function ticks(from: number, to: number, most: number): number[] {
  const MINUTE = 60_000;
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440].map((step) => step * MINUTE);
  const step = steps.find((one) => (to - from) / one <= most) ?? 1440 * MINUTE;
  // The city's clock is eight hours before UTC, so that whole steps are whole hours and days there.
  const shift = 8 * 60 * MINUTE;
  const marks: number[] = [];
  for (let at = Math.ceil((from + shift) / step) * step - shift; at <= to && marks.length <= most; at += step) marks.push(at);
  return marks;
}

/** What something was worth, but for truths, which have words of their own. */
export function worthText(worth: Exclude<Worth, boolean | null>, lang: Lang): string {
  if (typeof worth === "string") return worth;
  if (typeof worth === "number") return value(worth, lang);
  return `${value(worth[0], lang)} … ${value(worth[1], lang)}`;
}

/** Ids of the rules in force, from the versions, newest first. */
export function idsInForce(versions: RuleVersion[]): string[] {
  const ids = new Set<string>();
  for (const version of versions.toReversed()) {
    version.added.forEach((id) => ids.add(id));
    version.removed.forEach((id) => ids.delete(id));
  }
  return [...ids].sort();
}
