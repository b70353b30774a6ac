/** The shapes of `/api/v1/analyze` and of what is foretold, as `types.ts` has the others. */
import type { CaseRow } from "./cases";
import type { Name, Schemas, SeriesPoint, Told } from "./types";

export type Spot = Schemas["Spot"];
export type HotArea = Told<"HotArea", { name: Name; spot: Spot | null }>;
export type HotSpots = Told<"HotSpots", { level: "subdistrict" | "cell"; items: HotArea[] }>;
export type Load = Schemas["Load"];
export type RuleHealth = Schemas["RuleHealth"];
export type OperatorHealth = Schemas["OperatorHealth"];
export type AlarmReport = Schemas["AlarmReport"];
export type Repeat = Told<"RepeatView", { place_name: Name }>;
export type Repeats = Told<"Repeats", { items: Repeat[] }>;
export type Forecasts = Schemas["Forecasts"];
export type Forecast = Schemas["Forecast"];
export type NextFull = Told<"NextFull", { items: Told<"NextFullView", { place_name: Name }>[] }>;
export type RuleVerdict = Schemas["RuleVerdict"];
export type ClassVerdict = Schemas["ClassVerdict"];
export type VerdictReport = Schemas["VerdictReport"];
export type VerdictCases = Told<"VerdictCases", { items: CaseRow[] }>;
/** As a sensor's, and with the number of sensors that have a value in the step. */
export type AreaSeries = Told<"AreaSeriesView", { points: [...SeriesPoint, sensors: number][] }>;
export type Measured = Schemas["Measured"];
