/** What supervision watches now: which list is looked at, what is counted for whom, and where the cases are. Pure. */
import type { LiveCases, LiveCount } from "../api/supervise";

/** Lists of the answer, each of 100 cases at most. */
export const TROUBLES = ["late", "soon", "bouncing", "ownerless"] as const;
export type Trouble = (typeof TROUBLES)[number];
export const GROUPS = ["unit", "district", "level"] as const;
export type GroupBy = (typeof GROUPS)[number];
const LISTED_MAX = 100;

export interface Group {
  code: string;
  count: LiveCount;
}

/** Where most are late first, then where most soon are, then where most are open. */
export function groupsOf(live: LiveCases, by: GroupBy): Group[] {
  const counted = { unit: live.units, district: live.districts, level: live.levels }[by];
  return Object.entries(counted)
    .map(([code, count]) => ({ code, count }))
    .sort((a, b) => b.count.late - a.count.late || b.count.soon - a.count.soon || b.count.open - a.count.open || (a.code < b.code ? -1 : 1));
}

/** How many there are; null where there are more than the list holds, and nobody counted them. */
export function countOf(live: LiveCases, trouble: Trouble): number | null {
  if (trouble === "late" || trouble === "soon") return live.all[trouble];
  return live[trouble].length < LISTED_MAX ? live[trouble].length : null;
}

/** The open cases of a group, or its late ones; null where the list of cases has no such filter. */
export function wayTo(by: GroupBy, code: string, isLate = false): Record<string, string> | null {
  if (by === "level") return null;
  return { view: "list", [by === "unit" ? "unit" : "area"]: code, ...(isLate ? { late: "true" } : {}) };
}

/** All cases of a list; null where the list of cases has no such filter. */
export function wayToAll(trouble: Trouble): Record<string, string> | null {
  const ways: Partial<Record<Trouble, Record<string, string>>> = { late: { view: "list", late: "true" }, ownerless: { view: "list", state: "registered" } };
  return ways[trouble] ?? null;
}
