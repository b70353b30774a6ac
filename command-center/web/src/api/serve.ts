/** The shapes of appeals in `/api/v1`, as `types.ts` has the others. */
import type { Name, Schemas, Told } from "./types";

export const SATISFIED = ["yes", "mostly", "no"] as const satisfies readonly Schemas["Satisfied"][];
export type Satisfied = Schemas["Satisfied"];

export type AppealClass = Told<"AppealClass", { name: Name }>;
export type AppealStep = Told<"AppealStep", { text: Name }>;
export type AppealNext = Told<"AppealNext", { text: Name }>;
export type Appeal = Told<"Appeal", { class_name: Name; place_name: Name; state_text: Name; unit_name: Name; next: AppealNext | null; steps: AppealStep[] }>;
export type ReceivedAppeal = Told<"ReceivedAppeal", { appeal: Appeal }>;
export type KnownMatter = Told<"KnownMatter", { class_name: Name; state_text: Name }>;
export type NewAppeal = Schemas["NewAppeal"];
export type Rating = Schemas["Rating"];
export type AppealRow = Told<"AppealRow", { class_name: Name; place_name: Name; unit_name: Name; next: AppealNext | null }>;
export const CHANNELS = ["page", "hotline", "open311", "wechat"] as const satisfies readonly Schemas["Channel"][];
export type Channel = Schemas["Channel"];
export type ImportedAppeals = Schemas["ImportedAppeals"];
export type RefusedLine = Schemas["RefusedLine"];
export type OutsideMonth = Schemas["OutsideMonth"] & { items: (Schemas["OutsideClass"] & { class_name: Name })[] };
export type Open311Server = Schemas["Open311Server"];
export type CaseAppeal = Schemas["CaseAppeal"];
export type Contact = Schemas["Contact"];
