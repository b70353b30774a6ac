/** The queue in groups: by what was found, or by where. Pure. */
import { RANK } from "../map/marks";
import type { Incident, Severity } from "../api/types";

export const GROUPINGS = ["none", "rule", "district", "domain"] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface Group {
  kind: "group";
  by: Exclude<Grouping, "none">;
  /** What all have in common: the rule's, the district's or the domain's name in the API; empty where it is not known. */
  key: string;
  count: number;
  unacknowledged: number;
  worst: Severity;
  folded: boolean;
  /** One of them, whose rule has a title. */
  example: Incident;
}

export type Line = Group | { kind: "incident"; incident: Incident };

export function lineKey(line: Line): string {
  return line.kind === "group" ? `group ${line.key}` : line.incident.id;
}

/** The rows as lines: each group before its rows, the worst first, then the largest; rows keep their order. */
export function grouped(rows: Incident[], by: Grouping, folded: ReadonlySet<string>): Line[] {
  if (by === "none") return rows.map((incident) => ({ kind: "incident", incident }));
  const groups = new Map<string, { group: Group; rows: Incident[] }>();
  for (const incident of rows) {
    const key = incident[by] ?? "";
    let held = groups.get(key);
    if (!held) {
      const group: Group = { kind: "group", by, key, count: 0, unacknowledged: 0, worst: incident.severity, folded: folded.has(key), example: incident };
      held = { group, rows: [] };
      groups.set(key, held);
    }
    held.rows.push(incident);
    held.group.count += 1;
    if (!incident.acknowledged) held.group.unacknowledged += 1;
    if (RANK[incident.severity] > RANK[held.group.worst]) held.group.worst = incident.severity;
  }
  const ordered = [...groups.values()].sort(
    ({ group: a }, { group: b }) => RANK[b.worst] - RANK[a.worst] || b.count - a.count || (a.key < b.key ? -1 : 1),
  );
  return ordered.flatMap(({ group, rows }): Line[] => [group, ...(group.folded ? [] : rows.map((incident): Line => ({ kind: "incident", incident })))]);
}

/** The incidents of lines that are not folded away, in their order. */
export function unfolded(lines: Line[]): Incident[] {
  return lines.flatMap((line) => (line.kind === "incident" ? [line.incident] : []));
}
