/** What every screen shows of duty: how many notices are unread, and the storms there are. */
import { ref, shallowRef } from "vue";
import { get, post } from "../api/client";
import type { Notice, Notices, Storm } from "../api/duty";
import { live } from "../live/store";

export const notices = shallowRef<Notice[]>([]);
export const unread = ref(0);
export const storms = shallowRef<Storm[]>([]);
/** Counts how often somebody wished to read the queue by cause. */
export const byCause = ref(0);
let following = false;

async function fetchNotices(): Promise<void> {
  try {
    const mine = await get<Notices>("/notices");
    [notices.value, unread.value] = [mine.items, mine.unread];
  } catch {
    // What was held stands until the next word of the stream; the banner says when that is lost.
  }
}

async function fetchStorms(): Promise<void> {
  try {
    storms.value = (await get<{ items: Storm[] }>("/storms")).items;
  } catch {
    // As above.
  }
}

/** Follows both for as long as the page lives. */
export function followDuty(): void {
  if (following) return;
  following = true;
  live.onHint("notice", () => void fetchNotices());
  live.onHint("storm", () => void fetchStorms());
  void fetchNotices();
  void fetchStorms();
}

export async function readAll(): Promise<void> {
  await post("/notices/read", {});
  await fetchNotices();
}
