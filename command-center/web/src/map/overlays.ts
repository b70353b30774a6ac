/** What is laid under the sensors of the overview's map when somebody wants it: heat, coverage, the outlines of cells. */
import type { ExpressionSpecification, GeoJSONSource, LayerSpecification, Map as GlMap } from "maplibre-gl";
import { watch } from "vue";
import { get } from "../api/client";
import type { Area, AreaCollection, Incident } from "../api/types";
import { classOf } from "../perceive/parts";
import { coverageIcons, coverageLayer } from "../perceive/patterns";
import { colour, theme } from "../theme";
import { WEIGHT } from "../wall/rotation";
import { EMPTY, outlines } from "./base";
import type { OVERLAYS } from "./layers";

export type Overlay = (typeof OVERLAYS)[number];
/** Coverage changes by the minute. */
const COVERAGE_MS = 60_000;
/** Nearer than this cells can be told apart. */
const CELL_ZOOM = 11.5;
/** They lie under these. */
const BELOW = "subdistrict-line";

const HEAT: ExpressionSpecification = ["interpolate", ["linear"], ["coalesce", ["feature-state", "heat"], 0], 0, 0, 1, 0.1, 6, 0.28, 24, 0.5];

function layerOf(overlay: Overlay): LayerSpecification {
  if (overlay === "coverage") return coverageLayer("coverage");
  if (overlay === "heat") return { id: "heat", type: "fill", source: "heat", paint: { "fill-color": colour("--heat"), "fill-opacity": HEAT } };
  return { id: "cell", type: "line", source: "cell", minzoom: CELL_ZOOM, paint: { "line-color": colour("--map-line"), "line-width": 0.6 } };
}

export class Overlays {
  /** Rows of the subdistricts in the heat, by code. */
  private readonly rows = new Map<string, number>();
  private readonly timer = setInterval(() => this.isShown("coverage") && void this.cover().catch(() => undefined), COVERAGE_MS);
  private readonly stop = watch(theme, () => this.repaint(), { flush: "post" });

  constructor(private readonly map: GlMap) {
    coverageIcons(map);
  }

  /** Shows it or hides it; gives whether there is anything to show. What it needs is fetched when it is shown first. */
  async show(overlay: Overlay, yes: boolean): Promise<boolean> {
    const { map } = this;
    if (!map.getLayer(overlay)) {
      if (!yes) return true;
      map.addSource(overlay, { type: "geojson", data: EMPTY });
      map.addLayer(layerOf(overlay), BELOW);
    }
    map.setLayoutProperty(overlay, "visibility", yes ? "visible" : "none");
    return !yes || this.fetch(overlay);
  }

  /** How much is open in each subdistrict: each severity weighs twice the one below. */
  warm(incidents: Iterable<Incident>): void {
    if (this.rows.size === 0 || !this.isShown("heat")) return;
    const heats = new Map<string, number>();
    for (const { subdistrict, severity, state } of incidents) {
      if (subdistrict && state === "open") heats.set(subdistrict, (heats.get(subdistrict) ?? 0) + WEIGHT[severity]);
    }
    for (const [code, id] of this.rows) this.map.setFeatureState({ source: "heat", id }, { heat: heats.get(code) ?? 0 });
  }

  remove(): void {
    clearInterval(this.timer);
    this.stop();
  }

  private isShown(overlay: Overlay): boolean {
    return this.map.getLayer(overlay) !== undefined && this.map.getLayoutProperty(overlay, "visibility") !== "none";
  }

  private async fetch(overlay: Overlay): Promise<boolean> {
    if (overlay === "coverage") return this.cover();
    if (overlay === "heat") {
      const { features } = await outlines("subdistrict");
      features.forEach((area, row) => this.rows.set(area.properties.code, row));
      this.fill("heat", features.map((area, row) => ({ ...area, id: row })));
      return features.length > 0;
    }
    const { features } = await get<AreaCollection>("/areas.geojson?level=cell");
    this.fill("cell", features);
    return features.length > 0;
  }

  private async cover(): Promise<boolean> {
    const [{ features }, { items }] = await Promise.all([outlines("subdistrict"), get<{ items: Area[] }>("/areas?level=subdistrict")]);
    const classes = new Map(items.map((area) => [area.code, classOf(area)]));
    this.fill("coverage", features.map(({ geometry, properties }) => ({ type: "Feature", geometry, properties: { class: classes.get(properties.code) ?? "unknown" } })));
    return features.length > 0;
  }

  private fill(overlay: Overlay, features: GeoJSON.Feature[]): void {
    void this.map.getSource<GeoJSONSource>(overlay)?.setData({ type: "FeatureCollection", features });
  }

  private repaint(): void {
    coverageIcons(this.map);
    if (this.map.getLayer("heat")) this.map.setPaintProperty("heat", "fill-color", colour("--heat"));
    if (this.map.getLayer("cell")) this.map.setPaintProperty("cell", "line-color", colour("--map-line"));
  }
}
