/** What a chart of one metric shows, as ECharts options. Pure but for the theme's colours, which are passed in. */
import type { Series, SeriesPoint, Severity, Threshold } from "../api/types";

/** Something that happened at a time: a line down the chart. */
export interface Mark {
  time: number;
  word: string;
  severity: Severity;
}

export interface Words {
  mean: string;
  range: string;
  opens: string;
  clears: string;
  severity(severity: Severity): string;
  value(number: number): string;
  /** One label of the time axis: the date at midnight, the hour else. */
  tick(time: number): string;
  dateTime(time: number): string;
  readings(count: number): string;
}

export type Colours = (variable: string) => string;

export interface Drawn {
  series: Series;
  unit: string;
  /** CSS font families. */
  font: string;
  from: number;
  to: number;
  thresholds: Threshold[];
  marks: Mark[];
  /** The same metric of sensors near by, nearest first. */
  near: Series[];
  /** While the incident was open; `to` null: it still is. */
  open: { from: number; to: number | null; severity: Severity } | null;
}

/** Sensors near by that are drawn with it. */
export const NEAR_MAX = 3;
const NEAR_DASHES = [[6, 3], [3, 3], [1, 3]];

/** A hole in the data is drawn as one from this many steps on. */
const HOLE_STEPS = 2.5;

/**
 * Puts an empty row into each hole, so that a line never runs over time nobody measured.
 * Sensors often report less often than the step: their own rhythm (the median distance) counts then.
 */
export function withHoles(points: SeriesPoint[], step: number): (SeriesPoint | [number, null, null, null, 0])[] {
  const gaps = points.slice(1).map((point, at) => point[0] - (points[at]?.[0] ?? 0));
  const rhythm = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? step;
  const hole = HOLE_STEPS * Math.max(step, rhythm);
  return points.flatMap((point, at) => {
    const before = points[at - 1];
    const broken = before !== undefined && point[0] - before[0] > hole;
    return broken ? [[before[0] + step, null, null, null, 0], point] : [point];
  });
}

/** The span of the value axis: the readings and the thresholds, with some air, and never less than the threshold. */
export function extent(points: SeriesPoint[], thresholds: Threshold[]): [number, number] | null {
  const all = [...points.flatMap((point) => [point[2], point[3]]), ...thresholds.map((one) => one.value)];
  if (all.length === 0) return null;
  const low = Math.min(...all);
  const high = Math.max(...all);
  const air = (high - low || Math.abs(high) || 1) * 0.12;
  return [low >= 0 && low - air < 0 ? 0 : low - air, high + air];
}

/** The band between least and largest is one line on another. */
export const BAND = { type: "line", symbol: "none", silent: true, lineStyle: { opacity: 0 }, stack: "band", stackStrategy: "all" };

/** Both axes and what a wheel does, as all curves over time have them. `span` is how far the values go. */
export function axes(drawn: { from: number; to: number; unit: string }, span: [number, number] | null, words: { tick(time: number): string; value(number: number): string }, colour: Colours): Record<string, unknown> {
  const text = colour("--muted");
  return {
    xAxis: {
      type: "time",
      min: drawn.from,
      max: drawn.to,
      axisLine: { lineStyle: { color: colour("--line-strong") } },
      axisTick: { show: false },
      axisLabel: { color: text, hideOverlap: true, formatter: words.tick },
      splitLine: { show: true, lineStyle: { color: colour("--line") } },
    },
    yAxis: {
      type: "value",
      name: drawn.unit,
      nameTextStyle: { color: text, align: "right", padding: [0, 6, 0, 0] },
      min: span?.[0],
      max: span?.[1],
      axisLabel: { color: text, formatter: words.value, showMinLabel: span?.[0] === 0, showMaxLabel: false },
      splitLine: { lineStyle: { color: colour("--line") } },
    },
    dataZoom: [{ type: "inside", filterMode: "none", zoomOnMouseWheel: "ctrl" }],
  };
}

export function chartOptions(drawn: Drawn, words: Words, colour: Colours): Record<string, unknown> {
  const rows = withHoles(drawn.series.points, drawn.series.step_ms);
  const span = extent([...drawn.series.points, ...drawn.near.flatMap((one) => one.points)], drawn.thresholds);
  const line = colour("--accent");
  const text = colour("--muted");
  return {
    animation: false,
    grid: { left: 52, right: 16, top: 30, bottom: 26 },
    textStyle: { fontFamily: drawn.font },
    ...axes(drawn, span, words, colour),
    tooltip: tooltip(drawn, words, colour),
    series: [
      ...drawn.near.map((one, at) => ({
        type: "line",
        name: one.sensor,
        data: withHoles(one.points, one.step_ms).map((row) => [row[0], row[1]]),
        symbol: "none",
        silent: true,
        // The nearest is the darkest; dashes tell them from the sensor's own curve without colour.
        lineStyle: { width: 1.2, type: NEAR_DASHES[at % NEAR_DASHES.length], color: text, opacity: 0.9 - 0.2 * at },
      })),
      { ...BAND, name: "low", data: rows.map((row) => [row[0], row[2]]) },
      {
        ...BAND,
        name: words.range,
        data: rows.map((row) => [row[0], row[2] === null || row[3] === null ? null : row[3] - row[2]]),
        areaStyle: { color: line, opacity: 0.18 },
      },
      {
        type: "line",
        name: words.mean,
        data: rows.map((row) => [row[0], row[1]]),
        showSymbol: drawn.series.points.length < 40,
        symbolSize: 4,
        lineStyle: { width: 1.8, color: line },
        itemStyle: { color: line },
        markLine: marks(drawn, words, colour),
        markArea: openArea(drawn, colour),
      },
    ],
  };
}

/** A box of what is under the pointer, along the time axis. */
export function tooltipBox(colour: Colours): Record<string, unknown> {
  return {
    trigger: "axis",
    // Rich text is drawn on the canvas: no HTML from data, and no inline styles for the page's policy to forbid.
    renderMode: "richText",
    confine: true,
    backgroundColor: colour("--raised"),
    borderColor: colour("--line-strong"),
    textStyle: { color: colour("--text"), fontSize: 12, lineHeight: 18 },
  };
}

function tooltip(drawn: Drawn, words: Words, colour: Colours): Record<string, unknown> {
  return {
    ...tooltipBox(colour),
    axisPointer: { lineStyle: { color: colour("--soft"), type: "dashed" } },
    formatter(hovered: { seriesName: string; value: [number, number | null] }[]): string {
      const time = hovered.find((one) => one.seriesName === words.mean)?.value[0];
      const near = hovered.flatMap(({ seriesName, value }) => {
        const known = drawn.near.some((one) => one.sensor === seriesName) && value[1] !== null;
        return known ? [`${seriesName}: ${words.value(value[1] ?? 0)} ${drawn.unit}`] : [];
      });
      const point = drawn.series.points.find((one) => one[0] === time);
      if (!point) return near.join("\n");
      const [at, mean, low, high, count] = point;
      const range = low === high ? "" : `\n${words.range}: ${words.value(low)} – ${words.value(high)}`;
      return `${words.dateTime(at)}\n${words.mean}: ${words.value(mean)} ${drawn.unit}${range}\n${words.readings(count)}${near.map((one) => `\n${one}`).join("")}`;
    },
  };
}

function marks(drawn: Drawn, words: Words, colour: Colours): Record<string, unknown> {
  const label = (own: string, position: string): Record<string, unknown> => ({ color: own, position, fontSize: 11, distance: 4 });
  const thresholds = drawn.thresholds.map((one) => {
    const own = colour(one.kind === "clears" ? "--soft" : `--${one.severity ?? "severe"}`);
    const severity = one.kind === "opens" && one.severity ? ` ${words.severity(one.severity)}` : "";
    return {
      yAxis: one.value,
      lineStyle: { color: own, width: 1.2, type: one.kind === "opens" ? "solid" : "dashed" },
      label: { ...label(own, one.kind === "opens" ? "insideEndTop" : "insideStartBottom"), formatter: `${words[one.kind]}${severity} ${words.value(one.value)}` },
    };
  });
  const events = drawn.marks
    .filter((mark) => mark.time >= drawn.from && mark.time <= drawn.to)
    .map((mark) => ({
      xAxis: mark.time,
      lineStyle: { color: colour(`--${mark.severity}`), width: 1, type: "dotted" },
      label: { ...label(colour(`--${mark.severity}`), "end"), formatter: mark.word },
    }));
  return { silent: true, symbol: "none", animation: false, data: [...thresholds, ...events] };
}

function openArea({ open, from, to }: Drawn, colour: Colours): Record<string, unknown> | undefined {
  if (!open) return undefined;
  const span = [{ xAxis: Math.max(from, open.from) }, { xAxis: Math.min(to, open.to ?? to) }];
  return { silent: true, itemStyle: { color: colour(`--${open.severity}`), opacity: 0.07 }, data: [span] };
}
