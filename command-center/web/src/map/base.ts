/**
 * A MapLibre map of the city's own areas: no glyph server, nothing from elsewhere but the basemap that a city may choose.
 * Colours come from the theme's CSS variables and follow it.
 */
import { type GeoJSONSource, type LayerSpecification, Map as GlMap, setWorkerUrl } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import "maplibre-gl/dist/maplibre-gl.css";
import { watch } from "vue";
import { get } from "../api/client";
import type { AreaCollection } from "../api/types";
import { nameOf } from "../format";
import { colour, theme } from "../theme";
import { Attribution, askBasemap, basemapLayers, basemapShown, basemapSource } from "./basemap";
import { lang } from "../words";

setWorkerUrl(workerUrl);

/** Below this zoom subdistricts are too small to be told apart. */
const SUBDISTRICT_ZOOM = 9.6;
/** Local fonts; MapLibre draws the glyphs itself when a style names no glyph server. */
export const FONT = ["PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", "Segoe UI", "sans-serif"];

export type Bounds = [west: number, south: number, east: number, north: number];
/** Layers as the theme colours them; called again when the theme changes. */
export type Layers = () => LayerSpecification[];

export const EMPTY: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: [] };

const fetched = new Map<string, Promise<AreaCollection>>();

/** Outlines of a level, fetched once for all maps of the page. */
export function outlines(level: "district" | "subdistrict"): Promise<AreaCollection> {
  let areas = fetched.get(level);
  if (!areas) {
    areas = get<AreaCollection>(`/areas.geojson?level=${level}`);
    areas.catch(() => fetched.delete(level));
    fetched.set(level, areas);
  }
  return areas;
}

function baseLayers(scale: number): LayerSpecification[] {
  return [
    { id: "background", type: "background", paint: { "background-color": colour("--bg-map") } },
    { id: "district", type: "fill", source: "district", paint: { "fill-color": colour("--map-district") } },
    ...basemapLayers(),
    {
      id: "district-chosen",
      type: "fill",
      source: "district",
      filter: ["==", ["get", "code"], ""],
      paint: { "fill-color": colour("--accent"), "fill-opacity": 0.1 },
    },
    {
      id: "subdistrict-line",
      type: "line",
      source: "subdistrict",
      minzoom: SUBDISTRICT_ZOOM,
      paint: {
        "line-color": colour("--map-line-soft"),
        "line-width": ["interpolate", ["linear"], ["zoom"], SUBDISTRICT_ZOOM, 0.4 * scale, 13, 1.4 * scale],
      },
    },
    {
      id: "district-line",
      type: "line",
      source: "district",
      layout: { "line-join": "round" },
      paint: {
        "line-color": colour("--map-line"),
        "line-width": ["interpolate", ["linear"], ["zoom"], 7, 0.7 * scale, 12, 2 * scale],
      },
    },
  ];
}

/** Names stand above everything but the incidents. */
function labelLayers(scale: number): LayerSpecification[] {
  const paint = {
    "text-color": colour("--map-label"),
    "text-halo-color": colour("--map-halo"),
    "text-halo-width": 1.4 * scale,
  };
  return [
    {
      id: "subdistrict-label",
      type: "symbol",
      source: "subdistrict-name",
      minzoom: 11.4,
      layout: { "text-field": ["get", "name"], "text-font": FONT, "text-size": 11 * scale, "text-padding": 6, "text-max-width": 7 },
      paint: { ...paint, "text-opacity": 0.85 },
    },
    {
      id: "district-label",
      type: "symbol",
      source: "district-name",
      maxzoom: 12.6,
      layout: {
        "text-field": ["get", "name"],
        "text-font": FONT,
        "text-size": ["interpolate", ["linear"], ["zoom"], 7, 11 * scale, 11, 15 * scale],
        "text-letter-spacing": 0.06,
        "text-padding": 4,
      },
      paint,
    },
  ];
}

/** Where a name stands: the middle of the largest ring, by area. */
function middle(geometry: GeoJSON.Polygon | GeoJSON.MultiPolygon): [number, number] {
  const rings = geometry.type === "Polygon" ? [geometry.coordinates[0]] : geometry.coordinates.map((one) => one[0]);
  let best: [number, number] = [0, 0];
  let largest = -1;
  for (const ring of rings) {
    let [area, x, y] = [0, 0, 0];
    for (let at = 1; ring && at < ring.length; at += 1) {
      const [ax = 0, ay = 0] = ring[at - 1] ?? [];
      const [bx = 0, by = 0] = ring[at] ?? [];
      const cross = ax * by - bx * ay;
      area += cross;
      x += (ax + bx) * cross;
      y += (ay + by) * cross;
    }
    if (Math.abs(area) > largest && area !== 0) {
      largest = Math.abs(area);
      best = [x / (3 * area), y / (3 * area)];
    }
  }
  return best;
}

function names(areas: AreaCollection): GeoJSON.FeatureCollection {
  return {
    type: "FeatureCollection",
    features: areas.features.map((area) => ({
      type: "Feature",
      geometry: { type: "Point", coordinates: middle(area.geometry) },
      properties: { name: nameOf(area.properties.name, lang.value) },
    })),
  };
}

export function boundsOf(areas: AreaCollection, code: string | null): Bounds | null {
  const bounds: Bounds = [Infinity, Infinity, -Infinity, -Infinity];
  for (const area of areas.features) {
    if (code !== null && area.properties.code !== code) continue;
    const { geometry } = area;
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
    for (const [x = 0, y = 0] of polygons.flat(2)) {
      bounds[0] = Math.min(bounds[0], x);
      bounds[1] = Math.min(bounds[1], y);
      bounds[2] = Math.max(bounds[2], x);
      bounds[3] = Math.max(bounds[3], y);
    }
  }
  return bounds[0] === Infinity ? null : bounds;
}

export interface City {
  map: GlMap;
  districts: AreaCollection;
  /** Replaces the data of a source. */
  fill(source: string, data: GeoJSON.FeatureCollection): void;
  remove(): void;
}

export interface Options {
  /** Draws the pictures that layers name; called again when the theme changes. */
  icons(map: GlMap): void;
  /** Room around the city at first, in pixels. */
  padding: number | { top: number; bottom: number; left: number; right: number };
  /** How much larger than on a desk names and lines are; 1 if it is not said. */
  scale?: number;
}

/** A map in `container` with the areas, then `own` layers under the names and `top` layers over them. */
export async function createCity(container: HTMLElement, sources: string[], own: Layers, top: Layers, { icons, padding, scale = 1 }: Options): Promise<City> {
  const [districts] = await Promise.all([outlines("district"), askBasemap()]);
  const all: Layers = () => [...baseLayers(scale), ...own(), ...labelLayers(scale), ...top()];
  const source = (data: GeoJSON.FeatureCollection): { type: "geojson"; data: GeoJSON.FeatureCollection } => ({ type: "geojson", data });
  const map = new GlMap({
    container,
    bounds: boundsOf(districts, null) ?? [115, 39, 118, 41],
    fitBoundsOptions: { padding },
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 120,
    maxZoom: 17,
    style: {
      version: 8,
      sources: {
        ...basemapSource(),
        district: source(districts),
        "district-name": source(names(districts)),
        subdistrict: source(EMPTY),
        "subdistrict-name": source(EMPTY),
        ...Object.fromEntries(sources.map((name) => [name, source(EMPTY)])),
      },
      layers: all(),
    },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  // A basemap that is away is told in the legend; everything else is an error of ours.
  map.on("error", (event) => {
    if (!("sourceId" in event) || event.sourceId !== "basemap") reportError(event.error);
  });
  const attribution = new Attribution();
  map.addControl(attribution, "bottom-right");
  await new Promise<void>((resolve) => map.once("load", () => resolve()));
  icons(map);
  const fill = (name: string, data: GeoJSON.FeatureCollection): void => {
    void map.getSource<GeoJSONSource>(name)?.setData(data);
  };
  const stops = [watch(basemapShown, () => attribution.show(map), { immediate: true }), watch(theme, () => repaint(map, all, icons), { flush: "post" }), drawSubdistricts(map, districts, fill)];
  return {
    map,
    districts,
    fill,
    remove() {
      for (const stop of stops) stop();
      map.remove();
    },
  };
}

function repaint(map: GlMap, layers: Layers, icons: Options["icons"]): void {
  for (const layer of layers()) {
    for (const [property, value] of Object.entries(layer.paint ?? {})) {
      map.setPaintProperty(layer.id, property as Parameters<GlMap["setPaintProperty"]>[1], value);
    }
  }
  icons(map);
}

/** Fetches subdistricts when somebody comes near enough to see them, and keeps all names in the page's language. */
function drawSubdistricts(map: GlMap, districts: AreaCollection, fill: City["fill"]): () => void {
  let subdistricts: AreaCollection | null = null;
  let asked = false;
  const near = async (): Promise<void> => {
    if (asked || map.getZoom() < SUBDISTRICT_ZOOM - 0.5) return;
    asked = true;
    try {
      subdistricts = await outlines("subdistrict");
      fill("subdistrict", subdistricts);
      fill("subdistrict-name", names(subdistricts));
    } catch {
      asked = false;
    }
  };
  map.on("zoomend", near);
  void near();
  return watch(lang, () => {
    fill("district-name", names(districts));
    if (subdistricts) fill("subdistrict-name", names(subdistricts));
  });
}
