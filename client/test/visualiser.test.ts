import { describe, expect, test } from "vitest";

import { BAR_COUNT, barHeights, type Frame, type Mode } from "../src/call/visualiser.ts";

const MODES: Mode[] = ["still", "waiting", "listening", "thinking", "speaking"];

function frame(part: Partial<Frame>): Frame {
  return { mode: "speaking", bands: [], seconds: 0, reducedMotion: false, ...part };
}

describe("the bars", () => {
  test.each(MODES)("are always of one number and within bounds while %s", (mode) => {
    for (let seconds = 0; seconds < 10; seconds += 0.37) {
      const heights = barHeights(frame({ mode, seconds, bands: [2, 0.5, -1, 0.2] }));
      expect(heights).toHaveLength(BAR_COUNT);
      expect(heights.every((height) => height >= 0 && height <= 1)).toBe(true);
    }
  });

  test("lie flat in silence and rise with the voice", () => {
    const centre = (BAR_COUNT - 1) / 2;
    expect(Math.max(...barHeights(frame({ bands: [0, 0, 0] })))).toBe(0);
    expect(barHeights(frame({ bands: [0.9, 0.4, 0.1] }))[centre]).toBeCloseTo(0.9);
  });

  test("are the same to both sides of the middle", () => {
    const heights = barHeights(frame({ bands: [0.9, 0.6, 0.4, 0.1] }));
    expect(heights).toEqual([...heights].reverse());
  });

  test.each(MODES)("do not move by themselves for who wants less motion, while %s", (mode) => {
    const at = (seconds: number) => barHeights(frame({ mode, seconds, reducedMotion: true, bands: [0.5] }));
    expect(at(1)).toEqual(at(1.7));
  });
});
