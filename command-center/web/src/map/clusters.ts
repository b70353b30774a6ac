/** Sensors that lie too close to be drawn apart are drawn as one: which at what zoom, and how they are. */
import { SENSOR_STATES, type SensorState } from "../api/types";
import { gridAt } from "./tiles";

/** Cells are the tiles of so many zooms further on: 16 pixels of the map's 512. */
const CELL_ZOOMS = 5;
/** So many sensors in a cell are still drawn apart. */
export const APART_MAX = 12;
/** Beyond this zoom every sensor is drawn by itself. */
export const ZOOM_MAX = 13;
/** No cluster. */
const NONE = -1;

/** Sensors that are one at this zoom: a range of the order. */
interface Cluster {
  zoom: number;
  from: number;
  until: number;
  /** The cluster of the zoom before that holds it; `NONE` at zoom 0. */
  parent: number;
}

/** How a cluster's sensors are. */
export interface Crowd {
  zoom: number;
  lon: number;
  lat: number;
  count: number;
  /** Those that are not online, and the state that most of these are in. */
  off: number;
  state: SensorState;
  /** The domain of most. */
  domain: string;
}

export interface Held {
  lon: ArrayLike<number>;
  lat: ArrayLike<number>;
  state: ArrayLike<SensorState>;
  domain: ArrayLike<string>;
}

export class Clusters {
  /** The zoom from which each row is drawn by itself. */
  readonly alone: Uint8Array;
  private readonly all: Cluster[] = [];
  private readonly order: Uint32Array;
  /** The deepest cluster of each row, or `NONE`. */
  private readonly deepest: Int32Array;
  /** Of each row the state that is counted, and of each cluster how many are in which. */
  private readonly counted: Uint8Array;
  private readonly counts: Uint32Array;

  constructor(private readonly held: Held) {
    const size = held.lon.length;
    this.alone = new Uint8Array(size).fill(ZOOM_MAX + 1);
    this.deepest = new Int32Array(size).fill(NONE);
    const key = Float64Array.from({ length: size }, (_, row) => keyOf(held.lon[row] ?? 0, held.lat[row] ?? 0));
    this.order = Uint32Array.from({ length: size }, (_, row) => row).sort((a, b) => (key[a] ?? 0) - (key[b] ?? 0));
    this.divide(key);
    this.counted = Uint8Array.from({ length: size }, (_, row) => wordOf(held.state[row]));
    this.counts = new Uint32Array(this.all.length * SENSOR_STATES.length);
    for (let row = 0; row < size; row += 1) this.count(row, 1);
  }

  /** Clusters. */
  get size(): number {
    return this.all.length;
  }

  /** Sensors of one cell lie side by side in the order, at each zoom: those of a cluster are divided at the next one. */
  private divide(key: Float64Array): void {
    let crowded = [{ from: 0, until: this.order.length, parent: NONE }];
    for (let zoom = 0; zoom <= ZOOM_MAX; zoom += 1) {
      const cell = 4 ** (ZOOM_MAX - zoom);
      const cellAt = (at: number): number => Math.floor((key[this.order[at] ?? 0] ?? 0) / cell);
      const next: typeof crowded = [];
      for (const { from, until, parent } of crowded) {
        for (let begin = from, end = from; begin < until; begin = end) {
          while (end < until && cellAt(end) === cellAt(begin)) end += 1;
          const rows = this.order.subarray(begin, end);
          if (rows.length <= APART_MAX) {
            for (const row of rows) this.alone[row] = zoom;
            continue;
          }
          for (const row of rows) this.deepest[row] = this.all.length;
          next.push({ from: begin, until: end, parent: this.all.length });
          this.all.push({ zoom, from: begin, until: end, parent });
        }
      }
      crowded = next;
    }
  }

  /** The clusters that hold a row, the deepest first. */
  private *holding(row: number): Generator<number> {
    for (let at = this.deepest[row] ?? NONE; at !== NONE; at = this.all[at]?.parent ?? NONE) yield at;
  }

  private count(row: number, by: 1 | -1): void {
    for (const at of this.holding(row)) {
      const place = at * SENSOR_STATES.length + (this.counted[row] ?? 0);
      this.counts[place] = (this.counts[place] ?? 0) + by;
    }
  }

  /** Counts rows by the states that they are in by now; gives the clusters of those that are in another one. */
  follow(rows: Iterable<number>): number[] {
    const touched = new Set<number>();
    for (const row of rows) {
      const word = wordOf(this.held.state[row]);
      if (word === this.counted[row]) continue;
      this.count(row, -1);
      this.counted[row] = word;
      this.count(row, 1);
      for (const at of this.holding(row)) touched.add(at);
    }
    return [...touched];
  }

  /** How the sensors of a cluster are. */
  crowd(at: number): Crowd {
    const { zoom, from, until } = this.all[at] ?? { zoom: 0, from: 0, until: 0 };
    const rows = this.order.subarray(from, until);
    let [lon, lat] = [0, 0];
    const domains = new Map<string, number>();
    for (const row of rows) {
      lon += this.held.lon[row] ?? 0;
      lat += this.held.lat[row] ?? 0;
      const domain = this.held.domain[row] ?? "";
      domains.set(domain, (domains.get(domain) ?? 0) + 1);
    }
    const [domain = ""] = [...domains].reduce((most, one) => (one[1] > most[1] ? one : most), ["", 0]);
    return { zoom, lon: lon / rows.length, lat: lat / rows.length, count: rows.length, ...this.off(at), domain };
  }

  /** How many sensors of a cluster are not online, and the state that most of these are in. */
  off(at: number): { off: number; state: SensorState } {
    let [off, most, state]: [number, number, SensorState] = [0, 0, "online"];
    SENSOR_STATES.forEach((word, index) => {
      const count = this.counts[at * SENSOR_STATES.length + index] ?? 0;
      if (word === "online") return;
      off += count;
      if (count > most) [most, state] = [count, word];
    });
    return { off, state };
  }
}

function wordOf(state: SensorState | undefined): number {
  return Math.max(0, SENSOR_STATES.indexOf(state ?? "never"));
}

/** The cell at the last zoom as a number in which the first digits, to the base of four, are those of all zooms before. */
function keyOf(lon: number, lat: number): number {
  const cells = 2 ** (ZOOM_MAX + CELL_ZOOMS);
  // What lies beyond the map's edge, at the poles, is in its last cells.
  let [x = 0, y = 0] = gridAt(ZOOM_MAX + CELL_ZOOMS, [lon, lat]).map((place) => Math.max(0, Math.min(cells - 1, Math.floor(place))));
  let [key, digit] = [0, 1];
  for (let rest = cells; rest > 1; rest /= 2) {
    key += digit * ((x & 1) + 2 * (y & 1));
    [x, y, digit] = [x >> 1, y >> 1, digit * 4];
  }
  return key;
}
