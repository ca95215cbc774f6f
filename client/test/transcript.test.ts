import { describe, expect, test } from "vitest";

import { type Line, MAX_LINES, revise, settle, type Transcript } from "../src/call/transcript.ts";

function line(part: Partial<Line>): Line {
  return { id: "s1", who: "agent", text: "Hello", final: false, stream: 1, ...part };
}

function after(...revisions: Line[]): Transcript {
  return revisions.reduce<Transcript>(revise, []);
}

describe("a transcript", () => {
  test("a growing stream stays one line, in its place", () => {
    const transcript = after(
      line({ text: "Hel" }),
      line({ id: "s2", who: "you", text: "Hi", stream: 2 }),
      line({ text: "Hello there" }),
    );
    expect(transcript.map(({ text }) => text)).toEqual(["Hello there", "Hi"]);
  });

  test("a later guess replaces an earlier one, and the final text the last guess", () => {
    const you = { id: "s1", who: "you" } as const;
    const transcript = after(
      line({ ...you, text: "what are", stream: 1 }),
      line({ ...you, text: "what are your hours", stream: 2 }),
      line({ ...you, text: "What are your hours?", stream: 3, final: true }),
    );
    expect(transcript).toEqual([line({ ...you, text: "What are your hours?", stream: 3, final: true })]);
  });

  test("an older stream that arrives late changes nothing", () => {
    const transcript = after(line({ stream: 2, text: "newer" }), line({ stream: 1, text: "older", final: true }));
    expect(transcript).toEqual([line({ stream: 2, text: "newer" })]);
  });

  test("a final line is never made a guess again", () => {
    const final = line({ text: "Done.", final: true });
    expect(after(final, line({ text: "Don", stream: 2 }))).toEqual([final]);
  });

  test("a stream that has said nothing yet makes no line and empties none", () => {
    expect(after(line({ text: "" }))).toEqual([]);
    expect(after(line({}), line({ text: "", stream: 2, final: true }))).toEqual([line({ stream: 2, final: true })]);
  });

  test("the space that waits for a next word is not shown", () => {
    expect(after(line({ text: " Hello there " }))[0]?.text).toBe("Hello there");
  });

  test("the same segment id from the two speakers is two lines", () => {
    expect(after(line({ who: "you" }), line({ who: "agent" }))).toHaveLength(2);
  });

  test("lines that did not change stay the same objects", () => {
    const before = after(line({ id: "a" }), line({ id: "b" }));
    expect(revise(before, line({ id: "b", text: "more" }))[0]).toBe(before[0]);
  });

  test("the end of the call makes every line final", () => {
    expect(settle(after(line({ id: "a" }), line({ id: "b", final: true }))).every(({ final }) => final)).toBe(true);
  });

  test("a very long call keeps its newest lines", () => {
    const lines = Array.from({ length: MAX_LINES + 5 }, (_, index) => line({ id: `s${index}`, stream: index }));
    const transcript = after(...lines);
    expect(transcript).toHaveLength(MAX_LINES);
    expect(transcript.at(-1)?.id).toBe(`s${MAX_LINES + 4}`);
  });
});
