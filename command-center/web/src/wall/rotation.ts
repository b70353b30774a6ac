/** Where the wall looks next: the city, the districts where most is open, one domain after the other, then what the city tells everybody. Pure. */
import type { ToldNotice } from "../api/dossiers";
import { DOMAINS, type Domain, type Incident, SEVERITIES, type Severity } from "../api/types";

export type Focus = { kind: "city" } | { kind: "district"; code: string } | { kind: "domain"; domain: Domain } | { kind: "notice"; notice: ToldNotice };

/** Districts of one round. */
const DISTRICTS_MAX = 6;
/** Notices of one round. */
const NOTICES_MAX = 4;
/** Time at each stop, unless the address of the screen says another. */
const STOP_S = 12;
const STOP_S_MIN = 1;
/** The city is looked at for so many stops. */
const CITY_STOPS = 2;

/** What an open incident adds to the heat of its area: each severity is twice the one below. */
export const WEIGHT: Record<Severity, number> = { minor: 1, moderate: 2, severe: 4, extreme: 8 };

/** The district that a focus lies in; null for the city. */
export function districtOf(focus: Focus): string | null {
  if (focus.kind === "district") return focus.code;
  return focus.kind === "notice" ? (focus.notice.area.district ?? null) : null;
}

/** The stops of one round. Places where nothing is open are left out, and so are notices whose time is over. */
export function round(open: Iterable<Incident>, notices: ToldNotice[] = [], now = 0): Focus[] {
  const heat = new Map<string, number>();
  const domains = new Set<Domain>();
  for (const { district, domain, severity } of open) {
    domains.add(domain);
    if (district) heat.set(district, (heat.get(district) ?? 0) + WEIGHT[severity]);
  }
  const hottest = [...heat].sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1)).slice(0, DISTRICTS_MAX);
  return [
    { kind: "city" },
    ...hottest.map(([code]): Focus => ({ kind: "district", code })),
    ...DOMAINS.filter((domain) => domains.has(domain)).map((domain): Focus => ({ kind: "domain", domain })),
    ...notices.filter((notice) => notice.until > now).slice(0, NOTICES_MAX).map((notice): Focus => ({ kind: "notice", notice })),
  ];
}

/** How long a focus lasts; `asked` are the seconds of a stop that the address names. */
export function lasts(focus: Focus, asked: unknown): number {
  const seconds = Number(asked);
  const stop = 1_000 * (seconds >= STOP_S_MIN ? seconds : STOP_S);
  return focus.kind === "city" ? CITY_STOPS * stop : stop;
}

/** Whether a focus holds an incident. */
export function holds(focus: Focus, incident: Incident): boolean {
  if (focus.kind === "domain") return incident.domain === focus.domain;
  const district = districtOf(focus);
  return district === null || incident.district === district;
}

export interface Tally {
  total: number;
  severities: Record<Severity, number>;
}

/** How many of each severity. */
export function tally(incidents: Iterable<Incident>): Tally {
  const severities = Object.fromEntries(SEVERITIES.map((severity) => [severity, 0])) as Record<Severity, number>;
  let total = 0;
  for (const { severity } of incidents) {
    severities[severity] += 1;
    total += 1;
  }
  return { total, severities };
}

/** The parts of `incidents`, by what `of` says of each; those of which it says nothing are in none. */
export function parted(incidents: Iterable<Incident>, of: (incident: Incident) => string | null): Map<string, Incident[]> {
  const parts = new Map<string, Incident[]>();
  for (const incident of incidents) {
    const name = of(incident);
    if (name === null) continue;
    const part = parts.get(name);
    if (part) part.push(incident);
    else parts.set(name, [incident]);
  }
  return parts;
}
