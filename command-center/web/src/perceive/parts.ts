/** The districts and what lies in them, with their coverage; and how areas are told. Pure. */
import type { Bins } from "../api/perceive";
import type { Area } from "../api/types";

/** From well covered to not at all; unknown is something else than uncovered. */
export const CLASSES = ["full", "partial", "poor", "none", "unknown"] as const;
export type CoverageClass = (typeof CLASSES)[number];

/** How an area is covered. One of which nothing was said is unknown. */
export function classOf(area: Pick<Area, "coverage">): CoverageClass {
  return area.coverage?.class ?? "unknown";
}

export interface District {
  area: Area;
  parts: Area[];
  /** How many of its subdistricts are covered how. */
  classes: Record<CoverageClass, number>;
}

export function tallied(areas: readonly Area[]): Record<CoverageClass, number> {
  const classes: Record<CoverageClass, number> = { full: 0, partial: 0, poor: 0, none: 0, unknown: 0 };
  for (const area of areas) classes[classOf(area)] += 1;
  return classes;
}

/** The districts in their order, each with its subdistricts of the classes that are `wanted`; of none, all are. */
export function byDistrict(districts: readonly Area[], subdistricts: readonly Area[], wanted: readonly CoverageClass[] = []): District[] {
  return districts.flatMap((area): District[] => {
    const all = subdistricts.filter((one) => one.parent === area.code);
    const parts = all.filter((one) => wanted.length === 0 || wanted.includes(classOf(one)));
    return parts.length > 0 ? [{ area, parts, classes: tallied(all) }] : [];
  });
}

/** Depths in metres from which the water on a road is light, moderate and severe. */
const GRADES_M = [0.03, 0.1, 0.25] as const;

/** 1 (none) to 4 (severe) of the published grades of urban waterlogging. */
export function waterGrade(depth: number): 1 | 2 | 3 | 4 {
  return (1 + GRADES_M.filter((limit) => depth >= limit).length) as 1 | 2 | 3 | 4;
}

export const FILLS = ["room", "due", "urgent", "full"] as const satisfies readonly (keyof Bins)[];

export interface Share<Name extends string> {
  name: Name;
  count: number;
  /** In per cent. */
  share: number;
}

/** The counts that are not zero, each with its share of all. */
export function shares<Name extends string>(names: readonly Name[], counts: Record<Name, number>): Share<Name>[] {
  const total = names.reduce((sum, name) => sum + counts[name], 0);
  return names.filter((name) => counts[name] > 0).map((name) => ({ name, count: counts[name], share: (100 * counts[name]) / total }));
}
