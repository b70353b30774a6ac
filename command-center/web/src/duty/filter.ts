/** What chains and subscriptions are about: incidents by domain, area, severity and class. Pure. */
/** Empty lists are all. */
export interface About {
  domains: string[];
  /** Codes. */
  areas: string[];
  /** The least. */
  severity: string;
  classes: string[];
}

export const everything = (): About => ({ domains: [], areas: [], severity: "minor", classes: [] });

/** What can be chosen, and what was chosen by the API and is in no list of the page: it must not get lost. */
export function withChosen(known: readonly string[], chosen: readonly string[]): string[] {
  return [...known, ...chosen.filter((one) => !known.includes(one))];
}
