/** The shapes of `/api/v1/analyze` and of what is foretold, as `types.ts` has the others. */
import type { Name, Schemas, Told } from "./types";

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
