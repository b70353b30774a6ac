/** The one live city of this page: the stream's words, as Vue can see them. */
import { computed, reactive, shallowRef, triggerRef } from "vue";
import { get, query } from "../api/client";
import type { CaseRow } from "../api/cases";
import type { Incident, Overview, Page, SensorChange } from "../api/types";
import type { ServerEvent } from "./events";
import { apply, emptyCity, fill, keep, type LiveEvent } from "./reducer";
import { type Connection, LiveStream } from "./stream";

/** Events come in bursts; the page is told at most this often. */
const TELL_MS = 80;
/** The clock of the log moves every second; after this long without a move the picture is old. */
const STALE_MS = 15_000;
/** Readings that reach the log this late make the picture old too. */
const LAG_MS_MAX = 120_000;
/** Open incidents that one page holds; past it the queue says so and filters of the API are needed. */
export const OPEN_MAX = 20_000;
const PAGE_SIZE = 500;

const TYPES = new Set(["snapshot", "incident", "case", "overview", "clock", "values"]);

const city = shallowRef(emptyCity());
// These change every second. Apart from the incidents, so that queue and map are not drawn anew for a clock.
const nowAt = shallowRef<number | null>(null);
const overview = shallowRef<Overview | null>(null);
const line = reactive({
  connection: "connecting" as Connection,
  retryAt: null as number | null,
  lostAt: null as number | null,
  /** Wall time at which the log's clock last moved. */
  movedAt: Date.now(),
  wall: Date.now(),
  /** True when there are more open incidents than `OPEN_MAX`. */
  cut: false,
});
const watchers = new Set<(changes: SensorChange[]) => void>();
const snapshotWatchers = new Set<() => void>();
const incidentWatchers = new Set<(incident: Incident) => void>();
const caseWatchers = new Set<(row: CaseRow) => void>();
/** Events that only say that something is to be fetched anew. */
const hintWatchers: Record<Hint, Set<() => void>> = { notice: new Set(), storm: new Set() };
export type Hint = "notice" | "storm";

let telling: ReturnType<typeof setTimeout> | null = null;

function tell(): void {
  telling ??= setTimeout(() => {
    telling = null;
    triggerRef(city);
  }, TELL_MS);
}

function take(events: ServerEvent[]): void {
  for (const { type, data } of events) {
    if (type === "notice" || type === "storm") for (const watcher of hintWatchers[type]) watcher();
    if (!TYPES.has(type)) continue;
    const event = { type, body: JSON.parse(data) } as LiveEvent;
    const changes = apply(city.value, event);
    if (city.value.nowAt !== nowAt.value) line.movedAt = Date.now();
    nowAt.value = city.value.nowAt;
    overview.value = city.value.overview;
    if (event.type === "snapshot" || event.type === "incident") tell();
    if (changes.length > 0) for (const watcher of watchers) watcher(changes);
    if (event.type === "incident") for (const watcher of incidentWatchers) watcher(event.body);
    if (event.type === "case") for (const watcher of caseWatchers) watcher(event.body);
    if (event.type === "snapshot") {
      for (const watcher of snapshotWatchers) watcher();
      if (event.body.more) void fetchRest();
      else line.cut = false;
    }
  }
}

/** The open incidents that the snapshot left out. */
async function fetchRest(): Promise<void> {
  let cursor: string | null = null;
  try {
    do {
      const parameters = query({ state: "open", limit: PAGE_SIZE, cursor });
      const page: Page<Incident> = await get<Page<Incident>>(`/incidents${parameters}`);
      fill(city.value, page.items);
      cursor = page.next;
      tell();
    } while (cursor && city.value.incidents.size < OPEN_MAX);
    line.cut = cursor !== null;
  } catch {
    line.cut = true;
  }
}

const stream = new LiveStream({
  events: take,
  connection(state, retryAt) {
    if (state === "lost" && line.lostAt === null) line.lostAt = Date.now();
    if (state === "live") line.lostAt = null;
    line.connection = state;
    line.retryAt = retryAt;
  },
});

let ticking: ReturnType<typeof setInterval> | null = null;

export const live = {
  start(): void {
    ticking ??= setInterval(() => (line.wall = Date.now()), 1_000);
    stream.start();
  },
  stop(): void {
    stream.stop();
  },
  reconnect(): void {
    stream.now();
  },
  /** Calls `watcher` with each batch of sensors that changed, until the function it gives is called. */
  onSensors(watcher: (changes: SensorChange[]) => void): () => void {
    watchers.add(watcher);
    return () => watchers.delete(watcher);
  },
  /** Calls `watcher` when the picture starts anew: what was fetched before may have missed changes. */
  onSnapshot(watcher: () => void): () => void {
    snapshotWatchers.add(watcher);
    return () => snapshotWatchers.delete(watcher);
  },
  /** Calls `watcher` with each incident that changed, the queue's or not, until the function it gives is called. */
  onIncident(watcher: (incident: Incident) => void): () => void {
    incidentWatchers.add(watcher);
    return () => incidentWatchers.delete(watcher);
  },
  /** Calls `watcher` with each case that changed, until the function it gives is called. */
  onCase(watcher: (row: CaseRow) => void): () => void {
    caseWatchers.add(watcher);
    return () => caseWatchers.delete(watcher);
  },
  /** Calls `watcher` when there is something new of a kind, and when the picture starts anew. */
  onHint(hint: Hint, watcher: () => void): () => void {
    hintWatchers[hint].add(watcher);
    snapshotWatchers.add(watcher);
    return () => {
      hintWatchers[hint].delete(watcher);
      snapshotWatchers.delete(watcher);
    };
  },
  /** Takes in an incident that a request answered with. */
  take(incident: Incident): void {
    keep(city.value, incident);
    triggerRef(city);
  },
  city,
  line,
  nowAt,
  overview,
  ready: computed(() => overview.value !== null),
  /** Why the picture may be old, or null. */
  trouble: computed<"lost" | "stale" | "late" | null>(() => {
    if (line.lostAt !== null) return "lost";
    if (overview.value === null) return null;
    if (line.wall - line.movedAt > STALE_MS) return "stale";
    const lag = overview.value.feed?.lag_ms ?? 0;
    return lag > LAG_MS_MAX ? "late" : null;
  }),
};
