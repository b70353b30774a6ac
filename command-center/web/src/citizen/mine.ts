/** The appeals that were reported from this device, until they are removed: numbers and secrets, nothing else. */
import { ref } from "vue";
import type { Theirs } from "./requests";

const KEY = "citywatch.appeals";
/** More than that nobody follows from one device; the oldest go. */
const KEPT_MAX = 20;

function kept(): Theirs[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(read) ? read.filter((one): one is Theirs => typeof one?.number === "string" && typeof one?.secret === "string") : [];
  } catch {
    return [];
  }
}

export const mine = ref<Theirs[]>(kept());

function keep(list: Theirs[]): void {
  mine.value = list.slice(0, KEPT_MAX);
  localStorage.setItem(KEY, JSON.stringify(mine.value));
}

export function remember(theirs: Theirs): void {
  keep([theirs, ...mine.value.filter((one) => one.number !== theirs.number)]);
}

export function forget(number: string): void {
  keep(mine.value.filter((one) => one.number !== number));
}
