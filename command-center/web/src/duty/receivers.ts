/** Those whom something is sent to, subscribers and contacts: the one whose deliveries are looked at, and what is done to one. */
import { onUnmounted, ref, shallowRef } from "vue";
import { get } from "../api/client";
import type { Delivery } from "../api/duty";

/** How often it looks again while it is open: deliveries go on by themselves. */
const LOOK_MS = 5_000;

/** `path` is that of the list. */
export function useReceivers<Row>(path: string) {
  const all = shallowRef<Row[]>([]);
  const sent = shallowRef<Delivery[]>([]);
  const chosen = ref<string | null>(null);

  async function fetched(signal: AbortSignal): Promise<void> {
    all.value = (await get<{ items: Row[] }>(path, signal)).items;
    const id = chosen.value;
    if (id === null) return;
    const { items } = await get<{ items: Delivery[] }>(`${path}/${id}/deliveries`, signal);
    if (chosen.value === id) sent.value = items;
  }

  /** Shows the deliveries of one, or of none if they are shown. */
  function choose(id: string): void {
    chosen.value = chosen.value === id ? null : id;
    sent.value = [];
  }

  /** Looks again as long as the card is there. */
  function keepLooking(load: () => Promise<void>): void {
    const looking = setInterval(() => void load(), LOOK_MS);
    onUnmounted(() => clearInterval(looking));
  }

  return { all, sent, chosen, fetched, choose, keepLooking };
}
