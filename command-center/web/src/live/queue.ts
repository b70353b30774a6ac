/** Which incidents the queue shows, and in which order. Pure. */
import type { Domain, Incident, Severity } from "../api/types";

export type Wanted = "open" | "cleared";

export interface Filter {
  state: Wanted;
  /** Empty: all. */
  severities: Severity[];
  /** Empty: all. */
  domains: Domain[];
  /** A district's code; null: the whole city. */
  district: string | null;
  /** null: both. */
  acknowledged: boolean | null;
  /** Whoever one of these sees to; empty: all. */
  assignees: string[];
}

export function everything(): Filter {
  return { state: "open", severities: [], domains: [], district: null, acknowledged: null, assignees: [] };
}

/** What was cleared before anybody acknowledged it (ISA-18.2: returned to normal, unacknowledged). */
export function isReturned(filter: Filter): boolean {
  return filter.state === "cleared" && filter.acknowledged === false;
}

export function isNarrow(filter: Filter): boolean {
  return (
    filter.severities.length > 0 ||
    filter.domains.length > 0 ||
    filter.district !== null ||
    filter.acknowledged !== null ||
    filter.assignees.length > 0
  );
}

export function passes(incident: Incident, filter: Filter): boolean {
  return (
    incident.state === filter.state &&
    (filter.severities.length === 0 || filter.severities.includes(incident.severity)) &&
    (filter.domains.length === 0 || filter.domains.includes(incident.domain)) &&
    (filter.district === null || incident.district === filter.district) &&
    (filter.acknowledged === null || (incident.acknowledged !== null) === filter.acknowledged) &&
    (filter.assignees.length === 0 || (incident.assignee !== null && filter.assignees.includes(incident.assignee)))
  );
}

/** Newest change first; ids decide between equals, so that rows do not swap places. */
export function queueOf(incidents: Iterable<Incident>, filter: Filter): Incident[] {
  return [...incidents]
    .filter((incident) => passes(incident, filter))
    .sort((a, b) => b.changed_at - a.changed_at || (a.id < b.id ? -1 : 1));
}

/** The rows in the order in which they stood, each as it is now: none is added, and none leaves while it is known. */
export function heldRows(order: string[], known: ReadonlyMap<string, Incident>): Incident[] {
  return order.flatMap((id) => known.get(id) ?? []);
}

/** How many rows would come, go or stand elsewhere if the order were let go. */
export function waitingFor(order: string[], rows: Incident[]): number {
  const held = new Set(order);
  const now = new Set(rows.map((row) => row.id));
  const stay = order.filter((id) => now.has(id));
  const moved = rows.filter((row) => held.has(row.id)).filter((row, at) => row.id !== stay[at]).length;
  return order.length - stay.length + (rows.length - stay.length) + moved;
}

/** Adds or takes out a member of a filter's list. */
export function toggled<T>(list: T[], member: T): T[] {
  return list.includes(member) ? list.filter((one) => one !== member) : [...list, member];
}

/** The id that j (+1) and k (-1) lead to; the first or last row when none is selected. */
export function neighbourOf(rows: Incident[], selected: string | null, step: 1 | -1): string | null {
  if (rows.length === 0) return null;
  const at = rows.findIndex((row) => row.id === selected);
  if (at < 0) return (step === 1 ? rows[0] : rows[rows.length - 1])?.id ?? null;
  return rows[Math.min(rows.length - 1, Math.max(0, at + step))]?.id ?? null;
}
