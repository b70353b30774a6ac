/** The page needs no policy but the strictest: nothing makes HTML or code of text, and nothing is asked of other hosts. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const SRC = new URL("../src/", import.meta.url).pathname;
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => /\.(vue|ts|css)$/.test(name)).map((name) => ({ name, text: readFileSync(join(SRC, name), "utf8") }));
const holding = (pattern: RegExp): string[] => files.filter((file) => pattern.test(file.text)).map((file) => file.name);

describe("the page", () => {
  it("makes no HTML of text, and no code", () => {
    expect(files.length).toBeGreaterThan(100);
    expect(holding(/v-html|\.(inner|outer)HTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|setHTMLUnsafe/)).toEqual([]);
    expect(holding(/\beval\(|new Function\(|setTimeout\(\s*["'`]/)).toEqual([]);
    expect(holding(/javascript:/)).toEqual([]);
  });

  it("has no styles and scripts in its HTML", () => {
    const html = readFileSync(new URL("../index.html", import.meta.url), "utf8");
    expect(html).not.toMatch(/<style|style=|<script(?![^>]*\bsrc=)|\son\w+=/);
    expect(holding(/setAttribute\(\s*["']style["']/)).toEqual([]);
  });

  it("asks with no browser dialog, and of no other host", () => {
    expect(holding(/window\.(prompt|confirm|alert)\(/)).toEqual([]);
    expect(files.filter((file) => !file.name.startsWith("words") && /["'`]https?:\/\//.test(file.text)).map((file) => file.name)).toEqual([]);
  });
});
