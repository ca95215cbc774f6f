/** How loud a sound is: as a whole, and by frequency. It only listens. */

const BAND_COUNT = 13;
/** Speech up to here; above it there is little but hiss. */
const HIGHEST_HERTZ = 4000;
/** What is quieter than this is silence, in decibels of full scale. */
const QUIETEST_DECIBELS = -60;

export class Meter {
  readonly #source: AudioNode;
  readonly #analyser: AnalyserNode;
  readonly #bins: Uint8Array<ArrayBuffer>;
  readonly #samples: Float32Array<ArrayBuffer>;

  constructor(context: AudioContext, source: MediaStreamTrack | AudioNode) {
    this.#source =
      source instanceof AudioNode ? source : context.createMediaStreamSource(new MediaStream([source]));
    this.#analyser = context.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#analyser.minDecibels = -85;
    this.#analyser.maxDecibels = -25;
    this.#analyser.smoothingTimeConstant = 0.6;
    this.#bins = new Uint8Array(this.#analyser.frequencyBinCount);
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#source.connect(this.#analyser);
  }

  /** Loudness by frequency, low to high, each 0 to 1. */
  bands(): number[] {
    this.#analyser.getByteFrequencyData(this.#bins);
    const hertzPerBin = this.#analyser.context.sampleRate / this.#analyser.fftSize;
    const binsPerBand = Math.max(1, Math.floor(HIGHEST_HERTZ / hertzPerBin / BAND_COUNT));
    return Array.from({ length: BAND_COUNT }, (_, band) => {
      // The first bin is the constant part, which nobody hears.
      const bins = this.#bins.subarray(1 + band * binsPerBand, 1 + (band + 1) * binsPerBand);
      return bins.length === 0 ? 0 : bins.reduce((sum, bin) => sum + bin, 0) / bins.length / 255;
    });
  }

  /** Loudness now, 0 to 1. */
  level(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    return loudness(this.#samples);
  }

  close(): void {
    this.#source.disconnect(this.#analyser);
    this.#analyser.disconnect();
  }
}

/** Root mean square of samples between -1 and 1, on a scale of decibels as ears have it: 0 (silence) to 1. */
export function loudness(samples: Iterable<number> & { readonly length: number }): number {
  let sum = 0;
  for (const sample of samples) sum += sample ** 2;
  if (sum === 0) return 0;
  const decibels = 10 * Math.log10(sum / samples.length);
  return Math.min(1, Math.max(0, 1 - decibels / QUIETEST_DECIBELS));
}
