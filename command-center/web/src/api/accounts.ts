/** The shapes of accounts and tokens in `/api/v1`, as `types.ts` has the others. */
import type { Schemas } from "./types";

export const ROLES = ["operator", "dispatcher", "unit", "inspector", "supervisor", "rule-engineer", "administrator", "public"] as const satisfies readonly Schemas["Role"][];
export type Role = Schemas["Role"];
export const SCOPES = ["sensors:read", "incidents:read", "incidents:act", "feed:read", "feed:subscribe", "cases:read", "cases:handle", "appeals:write", "metrics:read"] as const satisfies readonly Schemas["Scope"][];
export type Scope = Schemas["Scope"];
export type Account = Schemas["Account"];
export type Token = Schemas["Token"];
/** What was made; its secret is told this once. */
export type Made = Schemas["Made"];
