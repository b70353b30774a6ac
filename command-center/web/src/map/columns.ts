/** All placed sensors in columns, for all maps and counts of the page. */
import { get } from "../api/client";
import type { MapSensors, SensorChange, SensorState } from "../api/types";
import { live } from "../live/store";
import { Clusters } from "./clusters";

/** A city with so many sensors or fewer is drawn sensor by sensor. */
const FEW = 10_000;

export interface Columns extends MapSensors {
  /** Row of a sensor's id. */
  row: Map<string, number>;
  /** None where the sensors are few. */
  clusters: Clusters | null;
}

let columns: Promise<Columns> | null = null;

/** Is told the rows whose state changed, and the clusters that hold them. */
type Watcher = (held: Columns, rows: number[], clusters: number[]) => void;
const watchers = new Set<Watcher>();

// What changes while nobody shows a map must not be lost: states are kept here, for all maps of the page.
live.onSensors((changes) => void columns?.then((held) => keepStates(held, changes)).catch(() => undefined));
live.onSnapshot(() => (columns = null));

/** Readings come by the second and states hardly ever change: a map is drawn anew only for those that do. */
function keepStates(held: Columns, changes: SensorChange[]): void {
  const rows = changedRows(held, changes);
  for (const [row, state] of rows) held.state[row] = state;
  if (rows.size === 0) return;
  const clusters = held.clusters?.follow(rows.keys()) ?? [];
  for (const watcher of watchers) watcher(held, [...rows.keys()], clusters);
}

/** The rows that are in another state than was known, each with that. */
export function changedRows(held: Pick<Columns, "row" | "state">, changes: SensorChange[]): Map<number, SensorState> {
  const rows = new Map<number, SensorState>();
  for (const { id, state } of changes) {
    const row = held.row.get(id);
    if (row !== undefined && (rows.has(row) || held.state[row] !== state)) rows.set(row, state);
  }
  return rows;
}

/** Calls `watcher` when states change, until the function it gives is called. */
export function onStates(watcher: Watcher): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

/** All placed sensors; fetched once, and again after a new snapshot. */
export function sensorColumns(): Promise<Columns> {
  if (!columns) {
    columns = get<MapSensors>("/map/sensors").then((body) => ({
      ...body,
      row: new Map(body.ids.map((id, row) => [id, row])),
      clusters: body.ids.length > FEW ? new Clusters(body) : null,
    }));
    columns.catch(() => (columns = null));
  }
  return columns;
}
