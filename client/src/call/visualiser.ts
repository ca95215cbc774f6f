/**
 * The moving bars: they show who is heard, and how the agent is, at a glance.
 *
 * `barHeights` is the whole look as a pure function; the rest only measures sound and paints. Nobody needs to
 * see it: the state stands in words beside it, and callers who asked their system for less motion get bars
 * that move with sound alone.
 */

import { Meter } from "./meter.ts";

/** What the bars follow: the agent's voice, the caller's, or nothing but time. */
export type Mode = "still" | "waiting" | "listening" | "thinking" | "speaking";

export const BAR_COUNT = 25;

export interface Frame {
  readonly mode: Mode;
  /** Loudness by frequency, low to high, each 0 to 1. */
  readonly bands: readonly number[];
  readonly seconds: number;
  readonly reducedMotion: boolean;
}

/** The height of each bar, 0 (a dot) to 1. */
export function barHeights(frame: Frame): number[] {
  const { mode, seconds, reducedMotion } = frame;
  return Array.from({ length: BAR_COUNT }, (_, index) => {
    const fromCentre = Math.abs(index - (BAR_COUNT - 1) / 2) / ((BAR_COUNT - 1) / 2);
    switch (mode) {
      case "still":
        return 0;
      case "speaking":
        return loudness(frame.bands, fromCentre);
      case "listening":
        return 0.6 * loudness(frame.bands, fromCentre);
      case "waiting":
        return reducedMotion ? 0.06 : 0.06 + 0.06 * (1 + Math.sin(seconds * 2.4)) * (1 - fromCentre);
      case "thinking":
        return reducedMotion ? 0.2 : 0.05 + 0.3 * Math.max(0, Math.sin(seconds * 5 - index * 0.45)) ** 3;
    }
  });
}

/** Speech is loudest at low frequencies: they stand in the middle, and the ends taper off. */
function loudness(bands: readonly number[], fromCentre: number): number {
  const band = bands[Math.min(bands.length - 1, Math.floor(fromCentre * bands.length))] ?? 0;
  return Math.min(1, Math.max(0, band)) * (1 - 0.55 * fromCentre ** 2);
}

export class Visualiser {
  readonly #canvas: HTMLCanvasElement;
  readonly #reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  readonly #heights = new Array<number>(BAR_COUNT).fill(0);
  #mode: Mode = "still";
  #context: AudioContext | null = null;
  #agent: Meter | null = null;
  #caller: Meter | null = null;
  #frame = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.#wake);
    addEventListener("resize", this.#wake);
    this.#wake();
  }

  show(mode: Mode): void {
    if (mode === this.#mode) return;
    this.#mode = mode;
    this.#wake();
  }

  followAgent(track: MediaStreamTrack | null): void {
    this.#agent?.close();
    this.#agent = this.#meter(track);
  }

  followCaller(track: MediaStreamTrack | null): void {
    this.#caller?.close();
    this.#caller = this.#meter(track);
  }

  /** Gives the sound back after a call. */
  rest(): void {
    this.followAgent(null);
    this.followCaller(null);
    void this.#context?.close().catch(() => undefined);
    this.#context = null;
    this.show("still");
  }

  #meter(track: MediaStreamTrack | null): Meter | null {
    if (track === null) return null;
    this.#context ??= new AudioContext();
    void this.#context.resume().catch(() => undefined);
    return new Meter(this.#context, track);
  }

  readonly #wake = (): void => {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(this.#draw);
  };

  readonly #draw = (now: number): void => {
    const mode = this.#mode;
    const meter = mode === "speaking" ? this.#agent : mode === "listening" ? this.#caller : null;
    const wanted = barHeights({
      mode,
      bands: meter?.bands() ?? [],
      seconds: now / 1000,
      reducedMotion: this.#reducedMotion.matches,
    });
    let moving = mode !== "still";
    wanted.forEach((height, index) => {
      const shown = this.#heights[index] ?? 0;
      const next = shown + (height - shown) * (height > shown ? 0.5 : 0.18);
      this.#heights[index] = next;
      if (Math.abs(next - height) > 0.005) moving = true;
    });
    this.#paint();
    // A page that shows nothing moving costs no battery.
    this.#frame = moving ? requestAnimationFrame(this.#draw) : 0;
  };

  #paint(): void {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const scale = devicePixelRatio;
    if (this.#canvas.width !== Math.round(width * scale)) this.#canvas.width = Math.round(width * scale);
    if (this.#canvas.height !== Math.round(height * scale)) this.#canvas.height = Math.round(height * scale);
    const context = this.#canvas.getContext("2d");
    if (context === null) return;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    // The colour is the style sheet's, so that it changes with light and dark.
    context.fillStyle = getComputedStyle(this.#canvas).color;
    const step = width / BAR_COUNT;
    const bar = Math.min(8, step * 0.5);
    this.#heights.forEach((share, index) => {
      const tall = Math.max(bar, share * height);
      context.beginPath();
      context.roundRect(step * index + (step - bar) / 2, (height - tall) / 2, bar, tall, bar / 2);
      context.fill();
    });
  }
}
