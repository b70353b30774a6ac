/**
 * The editor of rule files: CodeMirror, loaded when somebody edits. It stands in a shadow root: there its styles are sheets
 * that are made and adopted by script, which the page's content policy lets be, where a style element would be refused.
 */
import { autocompletion, closeBrackets, closeBracketsKeymap, type CompletionContext, completionKeymap, type CompletionResult } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { RuleDiagnostic } from "../api/rules";
import { type Known, offers } from "./complete";
import { offsetOf, placeAt } from "./place";

/** Colours are the page's: custom properties reach into a shadow root. */
const LOOK = EditorView.theme({
  "&": { height: "100%", backgroundColor: "var(--panel)", color: "var(--text)", fontSize: "13px" },
  "&.cm-focused": { outline: "2px solid var(--focus)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: 'ui-monospace, "SF Mono", "Cascadia Mono", "Noto Sans Mono CJK SC", "Noto Sans Mono", monospace', lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--text)", padding: "8px 0" },
  ".cm-gutters": { backgroundColor: "var(--raised)", color: "var(--muted)", border: "0", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent) 7%, transparent)" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--text)", border: "1px solid var(--line-strong)", borderRadius: "7px", overflow: "hidden" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "1.5" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent-soft)", color: "var(--text)" },
  ".cm-completionDetail": { color: "var(--muted)", fontStyle: "normal", marginLeft: "1.2em" },
  ".cm-completionInfo": { maxWidth: "44ch", padding: "6px 10px" },
  ".cm-completionMatchedText": { color: "var(--accent)", textDecoration: "none", fontWeight: "650" },
  ".cm-diagnostic": { padding: "5px 10px", maxWidth: "72ch", whiteSpace: "pre-wrap" },
  ".cm-diagnostic-error": { borderLeft: "4px solid var(--extreme)" },
  ".cm-diagnostic-warning": { borderLeft: "4px solid var(--moderate)" },
});

const COLOURS = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--accent)" },
  { tag: tags.comment, color: "var(--muted)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--minor)" },
  { tag: [tags.separator, tags.punctuation, tags.brace, tags.squareBracket], color: "var(--soft)" },
]);

const KINDS: Record<string, string> = { key: "property", word: "enum", metric: "variable", attribute: "constant", function: "function", rule: "class", duration: "text" };

/** What an editor tells, and what it asks for. */
export interface Hooks {
  /** Read out as the editor's name. */
  label: string;
  edited(text: string): void;
  /** Null until the language is there. */
  known(): (Known & { isTest: boolean }) | null;
}

export interface Editor {
  /** Shows a text of its own history; what was shown before can be shown again. */
  show(path: string, text: string): void;
  /** Marks what is wrong in the text that is shown. */
  mark(found: RuleDiagnostic[]): void;
  /** Puts the cursor there, in sight. */
  go(line: number, column: number): void;
  destroy(): void;
}

function completion(hooks: Hooks): Extension {
  const source = (context: CompletionContext): CompletionResult | null => {
    const known = hooks.known();
    const { doc } = context.state;
    const line = doc.lineAt(context.pos);
    const place = known && placeAt(doc.toString().split("\n"), line.number - 1, context.pos - line.from);
    if (!known || !place) return null;
    const from = line.from + place.from;
    // Unasked it waits for a first letter, but where a value is to come.
    if (!context.explicit && from === context.pos && place.kind === "key") return null;
    const options = offers(place, known.isTest, known).map(({ label, kind, detail, about, write }) => {
      return { label, type: KINDS[kind] ?? "text", detail, ...(about ? { info: about } : {}), ...(write === null ? {} : { apply: write }) };
    });
    return options.length > 0 ? { from, options, validFor: /^[\w.-]*$/ } : null;
  };
  return autocompletion({ override: [source], icons: false });
}

function extensions(hooks: Hooks): Extension[] {
  return [
    lineNumbers(),
    lintGutter(),
    history(),
    yaml(),
    indentUnit.of("  "),
    bracketMatching(),
    closeBrackets(),
    highlightActiveLine(),
    syntaxHighlighting(COLOURS),
    completion(hooks),
    // Tab leaves the editor, as everywhere on the page; lines are indented by Ctrl+].
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ "aria-label": hooks.label, spellcheck: "false", tabindex: "0" }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) hooks.edited(update.state.doc.toString());
    }),
    LOOK,
  ];
}

/** Where a diagnostic stands in the document; what was deleted since is marked at its end. */
function marked(state: EditorState, found: RuleDiagnostic): Diagnostic {
  const line = state.doc.line(Math.min(Math.max(found.line, 1), state.doc.lines));
  const from = line.from + offsetOf(line.text, found.column);
  const to = Math.min(line.to, line.from + offsetOf(line.text, found.column + found.length));
  return { from, to: Math.max(from, to), severity: found.level, message: found.hint === null ? found.message : `${found.message}\n${found.hint}` };
}

export function makeEditor(host: HTMLElement, hooks: Hooks): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const states = new Map<string, EditorState>();
  const view = new EditorView({ parent: root, root });
  let shown = "";
  return {
    show(path, text) {
      if (shown !== "") states.set(shown, view.state);
      const held = states.get(path);
      if (path !== shown || held?.doc.toString() !== text) {
        const same = held !== undefined && held.doc.toString() === text;
        view.setState(same ? held : EditorState.create({ doc: text, extensions: extensions(hooks) }));
      }
      shown = path;
    },
    mark(found) {
      view.dispatch(setDiagnostics(view.state, found.map((one) => marked(view.state, one))));
    },
    go(number, column) {
      const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
      const at = Math.min(line.to, line.from + offsetOf(line.text, column));
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
    destroy() {
      view.destroy();
    },
  };
}
