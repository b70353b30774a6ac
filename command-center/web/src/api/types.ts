/**
 * The shapes of `/api/v1`, by hand, one to one.
 * Times (`…_at`, `time`) are epoch milliseconds UTC. `null` is unknown and never stands for zero.
 */

/** A name in the city's languages; one of them may be missing. */
export interface Name {
  zh?: string;
  en?: string;
}

export const SEVERITIES = ["extreme", "severe", "moderate", "minor"] as const;
export type Severity = (typeof SEVERITIES)[number];

export const DOMAINS = ["drainage", "waste", "traffic", "air", "cross"] as const;
export type Domain = (typeof DOMAINS)[number];

export const SENSOR_STATES = ["online", "silent", "stuck", "never"] as const;
export type SensorState = (typeof SENSOR_STATES)[number];

export interface Session {
  name: string;
  roles: string[];
  /** Codes of the areas that are seen; empty for the whole city. */
  areas: string[];
  /** The unit for which they handle cases. */
  unit: string | null;
  expires_at: number | null;
}

export interface Overview {
  now_at: number | null;
  open: {
    total: number;
    by_domain: Partial<Record<string, number>>;
    by_severity: Partial<Record<string, number>>;
  };
  unacknowledged: number;
  sensors: { total: number; online: number; silent: number; stuck: number; never: number };
  /** Sensors that speak and are not registered. */
  unknown_sensors: number;
  feed: { accepted: number; refused: number; lag_ms: number | null } | null;
}

export type AreaLevel = "city" | "district" | "subdistrict" | "cell";

export interface Area {
  code: string;
  level: AreaLevel;
  name: Name | string;
  parent: string | null;
  coverage?: Coverage | null;
}

/** How well the sensors of a subdistrict cover it. */
export interface Coverage {
  class: "full" | "partial" | "poor" | "none";
  reporting: number;
  silent: number;
  since: number;
}

export interface AreaCollection extends GeoJSON.FeatureCollection<GeoJSON.Polygon | GeoJSON.MultiPolygon, Area> {
  /** True when the outlines are drawn by a script and are not the official ones. */
  schematic?: boolean;
}

/** What was measured of a pollutant in an area over a natural hour, µg/m³. */
export interface HourMean {
  metric: string;
  mean: number;
  sensors: number;
  ended_at: number;
}

export interface AreaState {
  code: string;
  sensors: Overview["sensors"];
  air: HourMean[];
  /** null: no detector was heard of late. */
  traffic: { delay_ratio: number; detectors: number } | null;
}

export interface AreaStates {
  now_at: number | null;
  items: AreaState[];
}

/** Columns of equal length: one sensor a row. */
export interface MapSensors {
  ids: string[];
  lon: number[];
  lat: number[];
  domain: string[];
  state: SensorState[];
}

export interface LastValue {
  value: number;
  time: number;
  unit?: string | null;
}

export interface Sensor {
  id: string;
  /** Free text; a rule's domain is one of `Domain`. */
  domain: string;
  lon: number | null;
  lat: number | null;
  datum_unknown: boolean;
  subdistrict: string | null;
  district: string | null;
  cell: string | null;
  interval_ms: number | null;
  in_service: boolean;
  attributes: Record<string, unknown>;
  state: SensorState;
  heard_at: number | null;
  last: Record<string, LastValue>;
}

export interface Neighbour {
  id: string;
  distance_m: number;
}

export interface SensorDetail extends Sensor {
  open_incidents: Incident[];
  neighbours: Neighbour[];
  coverage: Coverage | null;
}

/** A sensor that speaks and is not registered, or was not when it spoke. */
export interface UnknownSensor {
  id: string;
  topic: string | null;
  count: number;
  first_at: number;
  last_at: number;
  payload: string | null;
  letter: string | null;
  removed: boolean;
  todo: "register" | "retry";
}

export interface UnknownSensorPage {
  items: UnknownSensor[];
  forgotten: number;
  next: string | null;
}

/** `[time, mean, min, max, count]` of one step; empty steps are absent. */
export type SeriesPoint = [time: number, mean: number, min: number, max: number, count: number];

export interface Series {
  sensor: string;
  metric: string;
  unit: string | null;
  step_ms: number;
  points: SeriesPoint[];
}

export interface Acknowledgement {
  by: string;
  at: number;
  note: string | null;
}

export interface Incident {
  id: string;
  rule: string;
  title: Name | string;
  key: string;
  key_kind: string;
  domain: Domain;
  severity: Severity;
  state: "open" | "cleared";
  acknowledged: Acknowledgement | null;
  opened_at: number;
  changed_at: number;
  cleared_at: number | null;
  revision: number;
  message: string | null;
  stale: boolean;
  /** Other incidents stand for it. */
  inhibited?: boolean;
  place: { lon: number; lat: number } | null;
  subdistrict: string | null;
  district: string | null;
  place_name: Name | string | null;
}

export interface Evidence {
  sensor: string;
  metric: string;
  time: number;
  value: number;
  partition: number;
  offset: number;
}

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

export interface Act {
  act: string;
  by: string;
  at: number;
  note: string | null;
}

export interface Threshold {
  value: number;
  kind: "opens" | "clears";
  severity: Severity | null;
}

export interface ChartSpec {
  sensor: string;
  metric: string;
  unit: string | null;
  threshold: Threshold[];
}

export interface IncidentDetail extends Incident {
  transitions: Transition[];
  acts: Act[];
  rule_text: string | null;
  charts: ChartSpec[];
  near: Neighbour[];
}

export interface Page<T> {
  items: T[];
  next: string | null;
}

/** A rule set that was put in force. */
export interface RuleVersion {
  version: number;
  hash: string;
  time: number;
  by: string | null;
  reason: string | null;
  in_force: boolean;
  added: string[];
  changed: string[];
  removed: string[];
}

export interface RuleVersions {
  items: RuleVersion[];
}

/** RFC 9457. */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
}

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
