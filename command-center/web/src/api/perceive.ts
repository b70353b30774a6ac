/** The shapes of how sensors, feeds, areas and roads are, and of what is worked on, as `types.ts` has the others. */
import type { Schemas } from "./types";

export type Feed = Schemas["Feed"];
export type FeedList = Schemas["FeedList"];
export type RoadList = Schemas["RoadList"];
export type CellCounts = Schemas["CellCounts"];
export type CellPage = Schemas["CellPage"];
export type Water = Schemas["Water"];
export type Bins = Schemas["Bins"];
export type Maintenance = Schemas["Maintenance"];
export const TARGET_KINDS = ["sensor", "area", "rule"] as const satisfies readonly Schemas["TargetKind"][];
export type TargetKind = Schemas["TargetKind"];
export type Schedule = Schemas["Schedule"];
