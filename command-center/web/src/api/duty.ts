/** The shapes of duty, notices and subscriptions in `/api/v1`, as `types.ts` has the others. */
import type { Name, Schemas, Severity, Told } from "./types";

export type Item = Told<"Item", { title: Name; place: Name; severity: Severity }>;
export interface Notice {
  id: string;
  seq: number;
  chain: string;
  reason: Schemas["Reason"] | null;
  step: number;
  is_storm: boolean;
  is_for_all: boolean;
  severity: Severity;
  open: number;
  over: number;
  items: Item[];
  at: number;
  read_at: number | null;
}
export interface Notices {
  items: Notice[];
  unread: number;
}

export type Shift = Schemas["Shift"];
export type Span = Schemas["Span"];
export type Override = Schemas["Override"];
export type Roster = Schemas["Roster"] & { id: string; version: number; on_duty: string[] };
export type RosterDetail = Schemas["RosterDetail"];
export type Subject = Schemas["Subject"];
export type GroupBy = Schemas["GroupBy"];
/** A chain whole, as it is sent and told: defaults are for those who write it by hand. */
export type ChainBody = Required<Schemas["Chain"]>;
export type Chain = ChainBody & { id: string; version: number; groups: number };

export const CONTACT_KINDS = ["email", "wecom", "dingtalk", "webhook"] as const satisfies readonly Schemas["ContactKind"][];
export type ContactKind = Schemas["ContactKind"];
export type Contact = Schemas["DutyContact"];

export type Subscription = Schemas["Subscription"];
export type Delivery = Schemas["Delivery"];
export type Storm = Told<"Storm", { name: Name }>;
