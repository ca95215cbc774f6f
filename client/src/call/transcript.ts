/**
 * What has been said, as an immutable list of lines.
 *
 * Speech arrives in pieces that are revised: the caller's words as ever better guesses of one segment, each
 * its own text stream; the agent's as one stream that grows. This module alone knows how such pieces become
 * lines that change in place. It knows neither LiveKit nor the page.
 */

export type Speaker = "you" | "agent";

export interface Line {
  /** The segment's id: what a later revision names. */
  readonly id: string;
  readonly who: Speaker;
  readonly text: string;
  readonly final: boolean;
  /** Which text stream wrote the line last, counted in the order in which streams began. */
  readonly stream: number;
}

export type Transcript = readonly Line[];

/** An hour's call has a few hundred lines; the oldest go where a call has more than this. */
export const MAX_LINES = 1000;

export function revise(transcript: Transcript, said: Line): Transcript {
  const revision = { ...said, text: said.text.trim() };
  const index = transcript.findLastIndex((line) => line.id === revision.id && line.who === revision.who);
  const current = transcript[index];
  if (current === undefined) {
    // A stream that has begun but says nothing yet is no line.
    return revision.text === "" ? transcript : [...transcript, revision].slice(-MAX_LINES);
  }
  if (isStale(current, revision)) return transcript;
  return transcript.with(index, { ...revision, text: revision.text || current.text });
}

/** The call is over: nothing will be revised any more. */
export function settle(transcript: Transcript): Transcript {
  return transcript.every((line) => line.final)
    ? transcript
    : transcript.map((line) => (line.final ? line : { ...line, final: true }));
}

/** Guesses may overtake each other: an older stream never undoes a newer one, nor a guess a final text. */
function isStale(current: Line, revision: Line): boolean {
  return revision.stream < current.stream || (current.final && !revision.final);
}
