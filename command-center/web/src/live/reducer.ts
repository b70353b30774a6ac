/**
 * What the live stream says the city is: a snapshot, then changes. Pure: no network, no clock.
 * The server's word is final; an older revision of an incident never replaces a newer one.
 */
import type { CaseRow } from "../api/cases";
import type { Incident, Overview, SensorChange, SnapshotEvent, ValuesEvent } from "../api/types";

/** Cleared incidents kept for the list of what is over, acknowledged and not; past it the one cleared longest ago goes. */
export const CLEARED_MAX = 200;

export interface City {
  /** The clock of the log. */
  nowAt: number | null;
  overview: Overview | null;
  /** Open incidents, and those that were cleared last: `CLEARED_MAX` that somebody acknowledged, and as many that nobody did. */
  incidents: Map<string, Incident>;
  /** The snapshot held only the newest of the open incidents: the rest is to be fetched. */
  more: boolean;
  /** Incidents that opened while we watched, so that the page can show them as new. */
  arrived: Set<string>;
}

export type LiveEvent =
  | { type: "snapshot"; body: SnapshotEvent }
  | { type: "incident"; body: Incident }
  | { type: "case"; body: CaseRow }
  | { type: "overview"; body: Overview }
  | { type: "clock"; body: { now_at: number | null } }
  | { type: "values"; body: ValuesEvent };

export function emptyCity(): City {
  return { nowAt: null, overview: null, incidents: new Map(), more: false, arrived: new Set() };
}

/** Applies one event to `city`, in place; gives the sensors that changed. */
export function apply(city: City, event: LiveEvent): SensorChange[] {
  switch (event.type) {
    case "snapshot": {
      const { body } = event;
      // Whatever opened between two connections is as new to the operator as what opens now.
      const known = city.incidents.size > 0 ? new Set(city.incidents.keys()) : null;
      const cleared = [...city.incidents.values()].filter((incident) => incident.state === "cleared");
      city.incidents = new Map([...cleared, ...body.incidents].map((incident) => [incident.id, incident]));
      city.arrived = new Set(known ? body.incidents.filter((one) => !known.has(one.id)).map((one) => one.id) : []);
      city.overview = body.overview;
      city.more = body.more;
      city.nowAt = body.now_at;
      return [];
    }
    case "incident":
      keep(city, event.body);
      return [];
    case "case":
      // Cases have a store of their own, where somebody looks at them.
      return [];
    case "overview":
      city.overview = event.body;
      return [];
    case "clock":
      city.nowAt = event.body.now_at;
      return [];
    case "values":
      return event.body.sensors;
  }
}

/** Takes in one incident, from the stream or from a page of the API. */
export function keep(city: City, incident: Incident): void {
  const held = city.incidents.get(incident.id);
  if (held && isOlder(incident, held)) return;
  if (incident.inhibited || incident.aside !== null) {
    // Another incident stands for it, or its alarm is set aside: it is no alarm that anybody has to see to.
    city.incidents.delete(incident.id);
    city.arrived.delete(incident.id);
    return;
  }
  if (!held && incident.state === "open" && incident.revision === 1) city.arrived.add(incident.id);
  city.incidents.set(incident.id, incident);
  if (incident.state === "cleared") {
    city.arrived.delete(incident.id);
    forgetCleared(city);
  }
}

/** Takes in open incidents of a page that was fetched because the snapshot did not hold all. */
export function fill(city: City, incidents: Incident[]): void {
  for (const incident of incidents) {
    const held = city.incidents.get(incident.id);
    if (!held || !isOlder(incident, held)) city.incidents.set(incident.id, incident);
  }
}

/** An acknowledgement changes no revision, so that of two equal revisions the acknowledged one is the newer. */
function isOlder(incident: Incident, held: Incident): boolean {
  if (incident.revision !== held.revision) return incident.revision < held.revision;
  return held.acknowledged !== null && incident.acknowledged === null;
}

function forgetCleared(city: City): void {
  const cleared = [...city.incidents.values()].filter((incident) => incident.state === "cleared");
  if (cleared.length <= CLEARED_MAX) return;
  cleared.sort((a, b) => b.changed_at - a.changed_at);
  for (const isAcknowledged of [true, false]) {
    const alike = cleared.filter((incident) => (incident.acknowledged !== null) === isAcknowledged);
    for (const incident of alike.slice(CLEARED_MAX)) city.incidents.delete(incident.id);
  }
}
