import { describe, expect, it } from "vitest";
import { tokenState } from "../src/accounts/token";

describe("a token", () => {
  it("is good until it ends or is revoked", () => {
    expect(tokenState({ expires_at: null, revoked_at: null }, 10)).toBe("active");
    expect(tokenState({ expires_at: 11, revoked_at: null }, 10)).toBe("active");
    expect(tokenState({ expires_at: 10, revoked_at: null }, 10)).toBe("ended");
    expect(tokenState({ expires_at: 10, revoked_at: 0 }, 10)).toBe("revoked");
  });
});
