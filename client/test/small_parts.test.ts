import { describe, expect, test } from "vitest";

import { loudness } from "../src/call/meter.ts";
import { en } from "../src/call/words/en.ts";
import { fr } from "../src/call/words/fr.ts";
import { chooseLanguage } from "../src/shared/language.ts";

describe("the page's language", () => {
  test.each([
    [["fr-CA", "en"], "fr"],
    [["de", "EN-us"], "en"],
    [["de", "it"], "en"],
    [[null, "", "fr"], "fr"],
    [["en", "fr"], "en"],
  ] as const)("is, of the wishes %j, %s", (wishes, language) => {
    expect(chooseLanguage(wishes)).toBe(language);
  });

  test("has the same words in both, none of them left in English", () => {
    expect(Object.keys(fr.waits)).toEqual(Object.keys(en.waits));
    expect(Object.keys(fr.refusals)).toEqual(Object.keys(en.refusals));
    expect(Object.keys(fr.refusalsByStatus)).toEqual(Object.keys(en.refusalsByStatus));
    const same = Object.entries(fr.texts).filter(([name, text]) => en.texts[name as keyof typeof en.texts] === text);
    expect(same.map(([name]) => name)).toEqual(["agent"]);
  });
});

describe("a level", () => {
  test("is nothing for silence, full for full scale, and in between by decibels", () => {
    expect(loudness([0, 0, 0])).toBe(0);
    expect(loudness([1, -1, 1])).toBe(1);
    expect(loudness([0.0316, -0.0316])).toBeCloseTo(0.5, 2);
    expect(loudness([0.0001, -0.0001])).toBe(0);
  });
});
