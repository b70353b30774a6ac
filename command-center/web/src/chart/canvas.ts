/** A canvas of ECharts in its box: as wide as the box is on the screen, and as a sheet on paper. */
import { type ECharts, init } from "echarts/core";
import { onBeforeUnmount, onMounted, type ShallowRef } from "vue";
import { paper } from "../print";

/**
 * A sheet is laid out while nobody may draw any more: what is printed has this width before, in CSS pixels. It is that
 * of A4 and Letter without their margins and what a card puts around a chart; print.css makes it smaller on smaller ones.
 */
const SHEET_PX = 660;
/** Of the canvas to a CSS pixel, so that paper is not blurred where the screen has one. */
const PIXELS_MIN = 2;

/** Draws what `options` gives, if anything, when the box is there; the function it returns draws it again. */
export function useChart(box: Readonly<ShallowRef<HTMLElement | null>>, options: () => Record<string, unknown> | null): () => void {
  let chart: ECharts | null = null;

  /** A sheet of paper does not wait for the next frame. */
  function flush(): void {
    if (paper.matches) chart?.getZr().flush();
  }

  function draw(): void {
    const drawn = chart && options();
    if (!drawn) return;
    chart?.setOption(drawn, { notMerge: true });
    flush();
  }

  function fit(): void {
    chart?.resize({ width: paper.matches ? SHEET_PX : "auto" });
    flush();
  }

  const resized = new ResizeObserver(fit);
  onMounted(() => {
    if (!box.value) return;
    chart = init(box.value, null, { renderer: "canvas", devicePixelRatio: Math.max(PIXELS_MIN, window.devicePixelRatio) });
    resized.observe(box.value);
    paper.addEventListener("change", fit);
    draw();
  });
  onBeforeUnmount(() => {
    resized.disconnect();
    paper.removeEventListener("change", fit);
    chart?.dispose();
    chart = null;
  });
  return draw;
}
