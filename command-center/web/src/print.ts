/** Paper is light, whatever the screen is: the theme is the light one while a page is printed. */
import { forced } from "./theme";

/** Matches while a page is printed. */
export const paper = window.matchMedia("print");
let before = forced.value;

paper.addEventListener("change", ({ matches }) => {
  if (matches) before = forced.value;
  forced.value = matches ? "light" : before;
});
