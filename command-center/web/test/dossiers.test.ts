/** What is asked for and sent when people act on dossiers. */
import { describe, expect, it } from "vitest";
import { ACTS, BEGINNINGS, bodyOf, type Draft, lackingOf } from "../src/dossiers/fields";

const said = (words: Record<string, string>): Draft => ({ words, people: [] });

describe("an act on a dossier", () => {
  const decide = ACTS.interviews["decide"] ?? [];

  it("asks for what may not be left out, in order", () => {
    expect(lackingOf(decide, said({}))).toBe("decision");
    expect(lackingOf(decide, said({ decision: "rectify", note: "  " }))).toBe("note");
    expect(lackingOf(decide, said({ decision: "rectify", note: "pump" }))).toBeNull();
    expect(lackingOf(decide, said({ decision: "rectify", note: "pump", follow_up_at: "tomorrow" }))).toBe("follow_up_at");
  });

  it("sends times of the city and leaves out what is empty", () => {
    expect(bodyOf(decide, said({ decision: "rectify", note: " pump ", follow_up_at: "2026-03-02T08:00" }))).toEqual({ decision: "rectify", note: "pump", follow_up_at: 1_772_409_600_000 });
    expect(bodyOf(decide, said({ decision: "explained", note: "yes", follow_up_at: "" }))).toEqual({ decision: "explained", note: "yes" });
    expect(bodyOf(ACTS.objections["review"] ?? [], said({ upheld: "no", reason: "seen" }))).toEqual({ upheld: false, reason: "seen" });
  });

  it("asks who takes part, and as what", () => {
    const draft = { ...said({ matter: "whose cellar", mediator: "office" }), people: [{ as: "", name: "", phone: "" }] };
    expect(lackingOf(BEGINNINGS.mediations, draft)).toBe("parties");
    draft.people = [{ as: "claimant", name: " 李 ", phone: "" }];
    expect(bodyOf(BEGINNINGS.mediations, draft)).toEqual({ matter: "whose cellar", mediator: "office", parties: [{ party: "claimant", name: "李", phone: "" }] });
    expect(bodyOf(ACTS.deliberations["call-vote"] ?? [], said({ options: "drain\n\n raise \n" }))).toEqual({ options: ["drain", "raise"] });
    expect(lackingOf(ACTS.deliberations["vote"] ?? [], said({ seat: "1", option: "two" }))).toBe("option");
  });
});
