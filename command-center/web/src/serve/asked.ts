/** What the page of serve shows, as it stands in the address, and to whom. Pure. */
import { CASE_STATES, type CaseState } from "../api/cases";
import { CHANNELS, type Channel } from "../api/serve";

/** Each view, and the roles that the server lets see it. */
const SEEN = {
  appeals: ["operator", "dispatcher", "inspector", "supervisor"],
  call: ["operator"],
  lists: ["operator"],
  outside: ["operator", "inspector", "supervisor"],
  servers: ["operator", "administrator"],
} as const;
export type View = keyof typeof SEEN;
export const VIEWS = Object.keys(SEEN) as View[];

/** The views of somebody with these roles, in order. */
export function viewsOf(roles: readonly string[]): View[] {
  return VIEWS.filter((view) => SEEN[view].some((role) => roles.includes(role)));
}

/** How the case of an appeal stands: these, or one of the states; a void one is merged. */
export const STANDINGS = ["open", "over", "merged", "all"] as const;
export const STATES = CASE_STATES.filter((state) => state !== "void");
export type Standing = (typeof STANDINGS)[number] | CaseState;

export interface Asked {
  view: View;
  state: Standing;
  channel: Channel | "";
  class: string;
  area: string;
  text: string;
}

export function everyAppeal(): Omit<Asked, "view"> {
  return { state: "open", channel: "", class: "", area: "", text: "" };
}

export function isNarrowed({ state, channel, class: of, area, text }: Asked): boolean {
  return state !== "open" || channel !== "" || of !== "" || area !== "" || text !== "";
}

/** Reads an address, of what may be seen; what it does not know stays at what is usual. */
export function askedOf(query: Record<string, unknown>, views: readonly View[]): Asked {
  const one = <T>(list: readonly T[], wanted: unknown, usual: T): T => list.find((member) => member === wanted) ?? usual;
  const word = (wanted: unknown): string => (typeof wanted === "string" ? wanted : "");
  return {
    view: one(views, query["view"], views[0] ?? "appeals"),
    state: one<Standing>([...STANDINGS, ...STATES], query["state"], "open"),
    channel: one<Channel | "">(CHANNELS, query["channel"], ""),
    class: word(query["class"]),
    area: word(query["area"]),
    text: word(query["text"]),
  };
}

/** The address of it, without what is usual. */
export function addressOf(asked: Asked): Record<string, string> {
  const { view, state, ...rest } = asked;
  const said = Object.entries(rest).filter(([, value]) => value !== "");
  return { ...(view === "appeals" ? {} : { view }), ...(state === "open" ? {} : { state }), ...Object.fromEntries(said) };
}
