/** All placed sensors in columns, for all maps and counts of the page. */
import { get } from "../api/client";
import type { MapSensors, SensorChange } from "../api/types";
import { live } from "../live/store";

export interface Columns extends MapSensors {
  /** Row of a sensor's id. */
  row: Map<string, number>;
}

let columns: Promise<Columns> | null = null;

// What changes while nobody shows a map must not be lost: states are kept here, for all maps of the page.
live.onSensors((changes) => void columns?.then((held) => keepStates(held, changes)).catch(() => undefined));
live.onSnapshot(() => (columns = null));

function keepStates(held: Columns, changes: SensorChange[]): void {
  for (const { id, state } of changes) {
    const row = held.row.get(id);
    if (row !== undefined) held.state[row] = state;
  }
}

/** All placed sensors; fetched once, and again after a new snapshot. */
export function sensorColumns(): Promise<Columns> {
  if (!columns) {
    columns = get<MapSensors>("/map/sensors").then((body) => ({
      ...body,
      row: new Map(body.ids.map((id, row) => [id, row])),
    }));
    columns.catch(() => (columns = null));
  }
  return columns;
}
