/** A document of open data in the reader's words: a line that says how it stands, and a table. */
import { shallowRef } from "vue";
import { get } from "../api/client";
import type { AreaCollection } from "../api/types";
import { count, dateTime, hourMinute, nameOf, value } from "../format";
import { lang, t, term } from "../words";
import { type Air, type Document, figuresOf, FIRST, type Gauge, largestFirst, measureOf, type Rows, type Score, type Traffic } from "./open";

interface Cell {
  text: string;
  /** In small letters under it. */
  below?: string;
  /** A colour beside the words. */
  tone?: string;
}
export interface Table {
  heads: string[];
  /** Columns of figures. */
  right: number[];
  rows: Cell[][];
}

const UNKNOWN = "—";

/** Areas by code, once somebody looks at sensors. */
const places = shallowRef(new Map<string, AreaCollection["features"][number]["properties"]>());
let asked: Promise<void> | null = null;

/** Asks for the names of areas unless that was done; without them codes stand for them. */
export function namePlaces(): Promise<void> {
  asked ??= Promise.all(["district", "subdistrict"].map((level) => get<AreaCollection>(`/areas.geojson?level=${level}`))).then(
    (found) => void (places.value = new Map(found.flatMap(({ features }) => features.map(({ properties }) => [properties.code, properties])))),
    () => void (asked = null),
  );
  return asked;
}

/** Where a sensor is: its subdistrict, else its district, as people call it. */
function placeOf({ district, subdistrict }: Gauge): string {
  const names = [district, subdistrict].map((code) => nameOf(places.value.get(code ?? "")?.name, lang.value));
  return names.filter((one) => one !== "").join(lang.value === "zh" ? "" : ", ") || (subdistrict ?? district ?? UNKNOWN);
}
const name = (row: { name_zh: string | null; name_en: string | null }, code: string): string => nameOf({ ...(row.name_zh === null ? {} : { zh: row.name_zh }), ...(row.name_en === null ? {} : { en: row.name_en }) }, lang.value) || code;
const two = (score: number | null): string => (score === null ? UNKNOWN : score.toFixed(2));
const time = (text: string | null): string => (text === null ? UNKNOWN : hourMinute(Date.parse(text), lang.value));

function depth(metre: number): string {
  return t("data.depth", { cm: value(metre * 100, lang.value) });
}
const share = (ratio: number): string => `${value(ratio * 100, lang.value)} %`;

/** How a document stands, in a line. */
export function toldOf(document: Document, rows: Rows[Document][]): string {
  switch (document) {
    case "air": {
      const ended = (rows as Air[]).map((row) => row.hour_ended_at).find((at) => at !== null);
      const known = (rows as Air[]).filter((row) => row.aqi !== null).length;
      return ended ? t("data.air.told", { at: dateTime(Date.parse(ended), lang.value), known, all: rows.length }) : t("data.unknown");
    }
    case "traffic": {
      const detectors = (rows as Traffic[]).reduce((sum, row) => sum + row.detectors, 0);
      return detectors === 0 ? t("data.unknown") : t("data.traffic.told", { detectors: count(detectors, lang.value) });
    }
    case "scores": {
      const month = (rows as Score[])[0]?.month;
      return month ? t("data.scores.told", { month, units: count(rows.length, lang.value) }) : t("data.scores.none");
    }
    default: {
      const { all, known, most, mean } = figuresOf(rows as Gauge[]);
      if (most === null || mean === null) return t("data.unknown");
      const given = { all: count(all, lang.value), known: count(known, lang.value) };
      return document === "bins" ? t("data.bins.told", { ...given, mean: share(mean) }) : t("data.waterlogging.told", { ...given, most: depth(most) });
    }
  }
}

/** A table of it, the worst first. */
export function tableOf(document: Document, rows: Rows[Document][]): Table {
  switch (document) {
    case "air":
      return {
        heads: [t("sensor.district"), t("data.aqi"), t("data.class"), t("data.primary")], right: [1],
        rows: largestFirst(rows as Air[], (row) => row.aqi).map((row) => [{ text: name(row, row.code) }, { text: row.aqi === null ? UNKNOWN : String(row.aqi), tone: `air-${row.class}` }, { text: row.class === null ? t("data.none") : term("aqi", String(row.class)) }, { text: row.primary_pollutant ? term("metric", row.primary_pollutant) : UNKNOWN }]),
      };
    case "traffic":
      return {
        heads: [t("sensor.district"), t("data.tpi"), t("data.class"), t("data.detectors")], right: [1, 3],
        rows: largestFirst(rows as Traffic[], (row) => row.traffic_index).map((row) => [{ text: name(row, row.code) }, { text: row.traffic_index === null ? UNKNOWN : row.traffic_index.toFixed(1), tone: `traffic-${row.class}` }, { text: row.class === null ? t("data.none") : term("tpi", String(row.class)) }, { text: count(row.detectors, lang.value) }]),
      };
    case "scores":
      return {
        heads: [t("cases.unit"), t("supervise.rank"), t("supervise.score"), t("supervise.interval")], right: [1, 2, 3],
        rows: (rows as Score[]).map((row) => [{ text: name(row, row.unit), below: term("peers", row.peers) }, { text: row.rank === null ? t("supervise.unranked") : String(row.rank) }, { text: two(row.score) }, { text: `${two(row.low)} – ${two(row.high)}` }]),
      };
    default:
      return {
        heads: [t("data.where"), t(document === "bins" ? "data.fill" : "data.deep"), t("state"), t("data.measured")], right: [1, 3],
        rows: largestFirst(rows as Gauge[], measureOf).slice(0, FIRST).map((row) => {
          const measured = measureOf(row);
          return [{ text: placeOf(row), below: row.sensor }, { text: measured === null ? UNKNOWN : document === "bins" ? share(measured) : depth(measured) }, { text: term("state", row.state) }, { text: time(row.measured_at) }];
        }),
      };
  }
}
