/** How the districts and the city are, asked again and again while somebody looks. */
import { onScopeDispose, shallowRef } from "vue";
import { ApiError, get } from "../api/client";
import type { AreaState, AreaStates } from "../api/types";
import { live } from "../live/store";

/** The server's answer is good for ten seconds of its clock. */
const EVERY_MS = 15_000;
/** What is older than this is not shown any more: unknown is better than old. */
const OLD_MS = 90_000;

export interface States {
  city: AreaState | null;
  districts: Map<string, AreaState>;
}

const NONE: States = { city: null, districts: new Map() };

/** The states, kept up to date until the scope ends. */
export function useStates() {
  const states = shallowRef<States>(NONE);
  let askedAt = 0;
  let ended = false;

  async function ask(): Promise<void> {
    try {
      const [city, districts] = await Promise.all([get<AreaStates>("/areas/now?level=city"), get<AreaStates>("/areas/now")]);
      if (ended) return;
      askedAt = Date.now();
      states.value = { city: city.items[0] ?? null, districts: new Map(districts.items.map((one) => [one.code, one])) };
    } catch (error) {
      // A server that does not tell them will not before it is another one, and then a new snapshot comes.
      if (error instanceof ApiError && error.status === 404) clearInterval(timer);
      if (Date.now() - askedAt > OLD_MS) states.value = NONE;
    }
  }

  let timer = setInterval(() => void ask(), EVERY_MS);
  void ask();
  const stop = live.onSnapshot(() => {
    clearInterval(timer);
    timer = setInterval(() => void ask(), EVERY_MS);
    void ask();
  });
  onScopeDispose(() => {
    ended = true;
    clearInterval(timer);
    stop();
  });
  return states;
}
