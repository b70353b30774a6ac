/** How fresh the feeds are: for each domain its sensors by state, and when it was last heard. */
import { onScopeDispose, shallowRef } from "vue";
import { SENSOR_STATES, type SensorState } from "../api/types";
import { sensorColumns } from "../map/columns";
import { live } from "./store";

export interface Feed {
  domain: string;
  total: number;
  states: Record<SensorState, number>;
  /** Time of the newest reading since the page looks; null before the first. */
  heardAt: number | null;
}

/** Feeds are counted anew this often; each new reading tells its time at once. */
const COUNT_MS = 5_000;

export function useFeeds() {
  const feeds = shallowRef<Feed[]>([]);
  const heard = new Map<string, number>();
  let ended = false;

  async function countAnew(): Promise<void> {
    try {
      const columns = await sensorColumns();
      if (ended) return;
      const found = new Map<string, Feed>();
      for (let row = 0; row < columns.ids.length; row += 1) {
        const domain = columns.domain[row] ?? "";
        const state = columns.state[row] ?? "never";
        let feed = found.get(domain);
        if (!feed) {
          const states = Object.fromEntries(SENSOR_STATES.map((word) => [word, 0])) as Record<SensorState, number>;
          feed = { domain, total: 0, states, heardAt: heard.get(domain) ?? null };
          found.set(domain, feed);
        }
        feed.total += 1;
        feed.states[state] += 1;
      }
      feeds.value = [...found.values()].sort((a, b) => b.total - a.total || (a.domain < b.domain ? -1 : 1));
    } catch {
      // The page says by its banner that the line is lost; the next count asks again.
    }
  }

  void countAnew();
  const timer = setInterval(() => void countAnew(), COUNT_MS);
  const stops = [
    live.onSnapshot(() => void countAnew()),
    live.onSensors((changes) => {
      void sensorColumns()
        .then((columns) => {
          for (const { id, last } of changes) {
            const row = columns.row.get(id);
            const domain = row === undefined ? undefined : columns.domain[row];
            if (domain === undefined) continue;
            const newest = Math.max(...Object.values(last).map((one) => one.time), heard.get(domain) ?? -Infinity);
            if (Number.isFinite(newest)) heard.set(domain, newest);
          }
          feeds.value = feeds.value.map((feed) => ({ ...feed, heardAt: heard.get(feed.domain) ?? feed.heardAt }));
        })
        .catch(() => undefined);
    }),
  ];
  onScopeDispose(() => {
    ended = true;
    clearInterval(timer);
    for (const stop of stops) stop();
  });
  return feeds;
}
