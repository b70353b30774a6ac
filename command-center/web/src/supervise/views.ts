/** The views of supervision, as they stand in its address, and who sees which. Pure. */

export const VIEWS = ["month", "checks", "published", "audit"] as const;
export type View = (typeof VIEWS)[number];

interface Looker {
  roles: readonly string[];
  /** Codes; none for the whole city. */
  areas: readonly string[];
}

/** Whether somebody sees a view; the server asks for the same. */
export function isSeen(view: View, who: Looker | null): boolean {
  const is = (...roles: string[]): boolean => who?.roles.some((role) => roles.includes(role)) === true;
  switch (view) {
    case "month":
    case "published":
      return true;
    case "checks":
      return is("supervisor", "inspector");
    case "audit":
      return is("supervisor", "administrator") && who?.areas.length === 0;
  }
}

/** The view of an address; what it does not know is the first. */
export function viewOf(wanted: unknown): View {
  return VIEWS.find((view) => view === wanted) ?? "month";
}

/** The address of a view. */
export function addressOf(view: View): { path: string; query: Record<string, string> } {
  return { path: "/supervise", query: view === "month" ? {} : { view } };
}
