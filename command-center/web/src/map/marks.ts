/** The shapes of the severities, one for the page and the map. */
import type { Severity } from "../api/types";

/** Outlines in a 16 × 16 box. */
export const SHAPES: Record<Severity, string> = {
  minor: "M8 2.2a5.8 5.8 0 1 1 0 11.6A5.8 5.8 0 0 1 8 2.2z",
  moderate: "M8 1.2 14.8 8 8 14.8 1.2 8z",
  severe: "M8 1.4 15.2 14H.8z",
  extreme: "M5 1.2h6L14.8 5v6L11 14.8H5L1.2 11V5z",
};

/** From small to large; larger ones are drawn on top. */
export const RANK: Record<Severity, number> = { minor: 0, moderate: 1, severe: 2, extreme: 3 };
