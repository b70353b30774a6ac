/** What records of published months say of each other. Pure. */
import type { PublishedScore } from "../api/supervise";

type Record = Pick<PublishedScore, "id" | "month" | "began_at">;

/** The newest record of the same month where it is another, else null: what it says holds instead. */
export function successorOf<R extends Record>(records: readonly R[], one: Record): R | null {
  const same = records.filter((record) => record.month === one.month && record.began_at > one.began_at);
  return same.reduce<R | null>((newest, record) => (newest === null || record.began_at > newest.began_at ? record : newest), null);
}

/** Whether its month had been published before it. */
export function isAgain(records: readonly Record[], one: Record): boolean {
  return records.some((record) => record.month === one.month && record.began_at < one.began_at);
}
