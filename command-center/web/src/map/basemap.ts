/** The basemap that the city chose, if it chose one: under the areas, on every map, with whose it is. */
import { addProtocol, type Map as GlMap, type IControl, type LayerSpecification, type RasterSourceSpecification } from "maplibre-gl";
import { computed, ref, shallowRef } from "vue";
import { get } from "../api/client";
import type { Basemap } from "../api/types";
import { theme } from "../theme";
import { type Ground, groundOf, type Tile, tilesOf } from "./tiles";

const KEY = "citywatch.basemap";
const PROTOCOL = "basemap";
/** Pixels of a tile's side on the screen; it may have twice as many. */
const SIDE = 256;

export const basemap = shallowRef<Basemap | null>(null);
/** Whether this browser wants it shown. */
const wanted = ref(localStorage.getItem(KEY) !== "off");
export const basemapShown = computed(() => basemap.value !== null && wanted.value);
/** Whether its server did not answer the last time it was asked. */
export const basemapAway = ref(false);

export function showBasemap(yes: boolean): void {
  wanted.value = yes;
  localStorage.setItem(KEY, yes ? "on" : "off");
}

let asked: Promise<void> | null = null;

/** Asks once which basemap there is. A city without one, and one that does not answer, has a map all the same. */
export function askBasemap(): Promise<void> {
  asked ??= get<{ basemap: Basemap | null }>("/basemap").then(
    (answer) => {
      basemap.value = answer.basemap;
      if (answer.basemap) addProtocol(PROTOCOL, ({ url }, abort) => load(url, abort.signal));
    },
    () => {
      asked = null;
    },
  );
  return asked;
}

/** One tile of the map, out of those that show its ground. */
async function load(url: string, signal: AbortSignal): Promise<{ data: ImageBitmap }> {
  const chosen = basemap.value;
  const [z = 0, x = 0, y = 0] = url.slice(`${PROTOCOL}://`.length).split("/").map(Number);
  if (!chosen) throw new Error("there is no basemap");
  const ground = groundOf(chosen.datum, z, x, y);
  const tiles = tilesOf(chosen.tiles, z, ground);
  try {
    const images = await Promise.all(tiles.map((tile) => picture(tile.url, signal)));
    basemapAway.value = false;
    const [only] = images;
    if (only && images.length === 1 && chosen.datum !== "gcj02") return { data: only };
    return { data: cut(ground, tiles, images) };
  } catch (error) {
    if (!signal.aborted) basemapAway.value = true;
    throw error;
  }
}

/** What they show of the ground. They are laid side by side first: cut one by one they would show seams. */
function cut(ground: Ground, tiles: Tile[], images: ImageBitmap[]): ImageBitmap {
  const side = images[0]?.width ?? SIDE;
  const [west, north] = [Math.floor(ground.west), Math.floor(ground.north)];
  const all = drawing((Math.ceil(ground.east) - west) * side, (Math.ceil(ground.south) - north) * side);
  tiles.forEach(({ x, y }, at) => {
    const image = images[at];
    if (image) all.drawImage(image, (x - west) * side, (y - north) * side, side, side);
    image?.close();
  });
  const one = drawing(side, side);
  const [wide, high] = [ground.east - ground.west, ground.south - ground.north];
  one.drawImage(all.canvas, (ground.west - west) * side, (ground.north - north) * side, wide * side, high * side, 0, 0, side, side);
  return one.canvas.transferToImageBitmap();
}

async function picture(url: string, signal: AbortSignal): Promise<ImageBitmap> {
  const response = await fetch(url, { signal, credentials: "omit" });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return createImageBitmap(await response.blob());
}

function drawing(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (!context) throw new Error("this browser draws nothing aside");
  return context;
}

export function basemapSource(): Record<string, RasterSourceSpecification> {
  if (!basemap.value) return {};
  return { basemap: { type: "raster", tiles: [`${PROTOCOL}://{z}/{x}/{y}`], tileSize: SIDE, maxzoom: basemap.value.max_zoom } };
}

/** The basemap's layer. In the dark it is turned over, from light to dark, as basemaps are drawn for paper. */
export function basemapLayers(): LayerSpecification[] {
  if (!basemap.value) return [];
  const dark = theme.value === "dark";
  return [
    {
      id: "basemap",
      type: "raster",
      source: "basemap",
      layout: { visibility: basemapShown.value ? "visible" : "none" },
      paint: {
        "raster-brightness-min": dark ? 0.8 : 0,
        "raster-brightness-max": dark ? 0.06 : 1,
        "raster-hue-rotate": dark ? 180 : 0,
        "raster-saturation": dark ? -0.6 : -0.35,
        "raster-opacity": dark ? 0.8 : 0.75,
        "raster-fade-duration": 120,
      },
    },
  ];
}

/** Whose map it is, on the map; as text, whatever was configured. */
export class Attribution implements IControl {
  private readonly element = document.createElement("p");

  onAdd(): HTMLElement {
    this.element.className = "maplibregl-ctrl basemap-attribution";
    this.element.textContent = basemap.value?.attribution ?? "";
    return this.element;
  }

  onRemove(): void {
    this.element.remove();
  }

  show(map: GlMap): void {
    this.element.hidden = !basemapShown.value;
    if (map.getLayer("basemap")) map.setLayoutProperty("basemap", "visibility", basemapShown.value ? "visible" : "none");
  }
}
