/**
 * The shapes of `/api/v1`, from its description (`schema.ts`), with what a description leaves open told closer: words of
 * closed lists, names by language, and what stands on the bus. `npm run operator` holds the two against the program.
 * Times (`…_at`, `time`) are epoch milliseconds UTC. `null` is unknown and never stands for zero.
 */
import type { components } from "./schema";

export type Schemas = components["schemas"];
/** A schema, with some of its properties told closer. */
export type Told<S extends keyof Schemas, Closer> = Omit<Schemas[S], keyof Closer> & Closer;

/** A name in the city's languages; one of them may be missing. */
export interface Name {
  zh?: string;
  en?: string;
}

export const SEVERITIES = ["extreme", "severe", "moderate", "minor"] as const;
export type Severity = (typeof SEVERITIES)[number];

export const DOMAINS = ["drainage", "waste", "traffic", "air", "cross"] as const;
export type Domain = (typeof DOMAINS)[number];

export const SENSOR_STATES = ["online", "silent", "stuck", "never"] as const satisfies readonly Schemas["SensorState"][];
export type SensorState = Schemas["SensorState"];

export type Session = Schemas["SessionView"];
export type Overview = Schemas["Overview"];
export type Coverage = Told<"Coverage", { class: "full" | "partial" | "poor" | "none" }>;
export type AreaLevel = "city" | "district" | "subdistrict" | "cell";
export type Area = Told<"Area", { level: AreaLevel; name: Name | string; coverage: Coverage | null }>;

export interface AreaCollection extends GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, Pick<Area, "code" | "level" | "name" | "parent">> {
  /** True when the outlines are drawn by a script and are not the official ones. */
  schematic?: boolean;
}

/** The tiles that the city laid under its maps. */
export type Basemap = Told<"Basemap", { datum: "wgs84" | "gcj02" }>;
export type HourMean = Schemas["HourMean"];
export type AreaState = Schemas["AreaState"];
export type AreaStates = Schemas["AreaStates"];
/** Columns of equal length: one sensor a row. */
export type MapSensors = Schemas["SensorMap"];

/** A change tells the unit only where it is another. */
export type LastValue = Told<"LastView", { unit?: string | null }>;
export type Sensor = Told<"Sensor", { attributes: Record<string, unknown>; last: Record<string, LastValue> }>;
export type Neighbour = Schemas["Near"];
export type SensorDetail = Told<"SensorDetail", { attributes: Record<string, unknown>; last: Record<string, LastValue>; open_incidents: Incident[]; coverage: Coverage | null }>;
export type UnknownSensor = Schemas["UnknownSensor"];
export type UnknownSensorPage = Schemas["UnknownSensorPage"];

/** `[time, mean, min, max, count]` of one step; empty steps are absent. */
export type SeriesPoint = [time: number, mean: number, min: number, max: number, count: number];
export type Series = Told<"SeriesView", { points: SeriesPoint[] }>;

export type Acknowledgement = Schemas["Acknowledged"];
interface IncidentWords {
  title: Name;
  domain: Domain;
  severity: Severity;
  state: "open" | "cleared";
  place_name: Name;
}
export type Incident = Told<"Incident", IncidentWords>;

export type Aside = Schemas["Aside"];
export const ASIDE_KINDS = ["shelved", "suppressed", "out_of_service"] as const satisfies readonly Schemas["AsideKind"][];
export type AsideKind = Schemas["AsideKind"];

export interface Evidence {
  sensor: string;
  metric: string;
  time: number;
  value: number;
  partition: number;
  offset: number;
}

/** As it stands on the bus. */
export interface Transition {
  id: string;
  transition: "opened" | "escalated" | "deescalated" | "updated" | "cleared";
  severity: Severity;
  state: "open" | "cleared";
  revision: number;
  time: number;
  opened_at: number;
  evidence: Evidence[];
  message?: string;
  stale?: boolean;
  reason?: string;
}

export type Act = Schemas["Act"];
export type Threshold = Told<"ChartLine", { severity: Severity }>;
export type ChartSpec = Told<"Chart", { threshold: Threshold[] }>;
export type IncidentDetail = Told<"IncidentDetail", IncidentWords & { transitions: Transition[]; charts: ChartSpec[] }>;

export interface Page<T> {
  items: T[];
  next: string | null;
}

export type RuleVersion = Schemas["RuleVersion"];
export type RuleVersions = Schemas["RuleVersions"];

/** RFC 9457; a proxy may answer with less, or with none. */
export type Problem = Partial<Schemas["Problem"]>;

// The events of `/live`.

export interface SnapshotEvent {
  now_at: number | null;
  overview: Overview;
  incidents: Incident[];
  more: boolean;
}

export interface SensorChange {
  id: string;
  state: SensorState;
  last: Record<string, LastValue>;
}

export interface ValuesEvent {
  time: number;
  sensors: SensorChange[];
}
