/** Light or dark: what the person chose here, else what the system prefers. */
import { computed, ref, watchEffect } from "vue";

export type Theme = "light" | "dark";
const KEY = "citywatch.theme";

const system = window.matchMedia("(prefers-color-scheme: light)");
const prefers = ref<Theme>(system.matches ? "light" : "dark");
system.addEventListener("change", (event) => (prefers.value = event.matches ? "light" : "dark"));

const stored = localStorage.getItem(KEY);
const chosen = ref<Theme | null>(stored === "light" || stored === "dark" ? stored : null);

/** A screen that is made for one look, whatever was chosen; null: none is open. */
export const forced = ref<Theme | null>(null);

export const theme = computed<Theme>(() => forced.value ?? chosen.value ?? prefers.value);

watchEffect(() => {
  document.documentElement.dataset["theme"] = theme.value;
});

export function switchTheme(): void {
  chosen.value = theme.value === "dark" ? "light" : "dark";
  localStorage.setItem(KEY, chosen.value);
}

/** A colour of the theme, for what draws on a canvas. */
export function colour(variable: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
}
