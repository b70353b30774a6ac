/** What is asked of the analysis, as it stands in the address; and what is shown of an answer. Pure. */
import { DOMAINS, type Domain } from "../api/types";

export const VIEWS = ["hotspots", "repeats", "history", "forecasts", "alarms", "verdicts", "asides"] as const;
export type View = (typeof VIEWS)[number];
export const DAYS = [1, 7, 30, 90] as const;
export const LEVELS = ["subdistrict", "cell"] as const;
const DAY = 86_400_000;

export interface Asked {
  view: View;
  days: number;
  domain: Domain | "";
  level: (typeof LEVELS)[number];
  perSensor: boolean;
}

/** Reads an address; what it does not know stays at what is usual. */
export function askedOf(query: Record<string, unknown>): Asked {
  const one = <T>(list: readonly T[], wanted: unknown, usual: T): T => list.find((member) => String(member) === wanted) ?? usual;
  return {
    view: one(VIEWS, query["view"], "hotspots"),
    days: one(DAYS, query["days"], 7),
    domain: one<Domain | "">(DOMAINS, query["domain"], ""),
    level: one(LEVELS, query["level"], "subdistrict"),
    perSensor: query["per"] === "sensor",
  };
}

/** The address of it, without what is usual. */
export function addressOf(asked: Asked): Record<string, string> {
  const { view, days, domain, level, perSensor } = asked;
  return {
    ...(view === "hotspots" ? {} : { view }),
    ...(days === 7 ? {} : { days: String(days) }),
    ...(domain === "" ? {} : { domain }),
    ...(level === "subdistrict" ? {} : { level }),
    ...(perSensor ? { per: "sensor" } : {}),
  };
}

/** The stretch up to the clock of the log. */
export function stretchOf(asked: Asked, now: number): { from: number; to: number } {
  return { from: now - asked.days * DAY, to: now + 1 };
}

/** The figures of the verdicts. */
export const OF_RULE = ["real", "not_found", "duplicate", "unknown"] as const;
export const OF_CLASS = ["told", "missed", "unwatched"] as const;
export type FigureOfRule = (typeof OF_RULE)[number];
export type FigureOfClass = (typeof OF_CLASS)[number];
/** One of them, whose cases are looked at; `of` is what it is of, in words. */
export type Figure = { of: string } & ({ rule: string; found: FigureOfRule } | { class: string; told: FigureOfClass });

/** A chance as it is read: `0.012`, or `< 0.001`. */
export function chance(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}
