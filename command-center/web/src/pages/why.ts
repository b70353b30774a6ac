/** Why an incident was raised, from what the API tells of it: the deciding readings, and the limits they went past. Pure. */
import type { Evidence, IncidentDetail, Threshold } from "../api/types";

export interface Reason {
  reading: Evidence;
  unit: string | null;
  /** The limit that it went past: the one of the incident's severity, else the nearest; null when the rule names none. */
  limit: Threshold | null;
  /** Whether it is above the limit. */
  above: boolean;
  /** Where it must come back to; null when the rule names none for the metric. */
  clears: number | null;
}

/** Reasons that are told; an area's incident may have hundreds of readings. */
const REASONS_MAX = 4;

/** The newest deciding reading of each sensor and metric, by the last step that has any. */
export function reasonsOf(incident: IncidentDetail): Reason[] {
  const step = incident.transitions.filter((one) => one.transition !== "cleared").findLast((one) => one.evidence.length > 0);
  const newest = new Map<string, Evidence>();
  for (const reading of step?.evidence ?? []) {
    const name = `${reading.sensor} ${reading.metric}`;
    const held = newest.get(name);
    if (!held || reading.time > held.time) newest.set(name, reading);
  }
  return [...newest.values()].slice(0, REASONS_MAX).map((reading) => {
    const chart = incident.charts.find((one) => one.sensor === reading.sensor && one.metric === reading.metric);
    const opens = (chart?.threshold ?? []).filter((one) => one.kind === "opens");
    const away = (one: Threshold): number => Math.abs(reading.value - one.value);
    const limit = opens.find((one) => one.severity === incident.severity) ?? [...opens].sort((a, b) => away(a) - away(b))[0] ?? null;
    const clears = (chart?.threshold ?? []).find((one) => one.kind === "clears" && (one.severity === null || one.severity === limit?.severity));
    return { reading, unit: chart?.unit ?? null, limit, above: limit !== null && reading.value >= limit.value, clears: clears?.value ?? null };
  });
}
