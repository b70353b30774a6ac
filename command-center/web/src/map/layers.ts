/** Which layers of the overview's map this browser wants shown. */
import { reactive, watch } from "vue";

const KEY = "citywatch.layers";

/** The layers, and whether each is shown at first. */
const USUAL = { incidents: true, sensors: true, heat: false, coverage: false, district: true, subdistrict: true, cell: false };
export type Layer = keyof typeof USUAL;
/** Areas and what is known of each, in the order of the legend. Their scripts come when one of the first three is wanted. */
export const OVERLAYS = ["heat", "coverage", "cell"] as const satisfies readonly Layer[];
export const AREA_LAYERS = ["heat", "coverage", "district", "subdistrict", "cell"] as const satisfies readonly Layer[];

/** What was kept, and of what was not what is usual; a text that is none of ours is as if nothing was kept. */
export function layersOf(kept: string | null): Record<Layer, boolean> {
  let said: unknown = null;
  try {
    said = JSON.parse(kept ?? "null");
  } catch {
    // As if nothing was kept.
  }
  const held = typeof said === "object" && said !== null ? (said as Record<string, unknown>) : {};
  const entries = Object.entries(USUAL).map(([layer, usual]) => [layer, typeof held[layer] === "boolean" ? held[layer] : usual]);
  return Object.fromEntries(entries) as Record<Layer, boolean>;
}

/** Kept whenever one is changed. */
export function keptLayers(): Record<Layer, boolean> {
  const shown = reactive(layersOf(localStorage.getItem(KEY)));
  watch(shown, () => localStorage.setItem(KEY, JSON.stringify(shown)));
  return shown;
}
