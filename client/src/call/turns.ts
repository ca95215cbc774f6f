/**
 * How long the caller waits for each answer, as the caller notices it. Pure.
 *
 * Measured in the page, from the last change of the caller's words (or the message that was typed) to the moment
 * at which the agent begins to speak. The worker's own measure starts at the end of the caller's speech, so that it
 * also holds the time that transcribing takes after that; it is on `/metrics`.
 */

export interface Turns {
  /** When the caller's words last changed, in milliseconds; null: nothing waits for an answer. */
  readonly askedAt: number | null;
  readonly speaking: boolean;
  /** Lines of the caller that have been answered: a late correction of one asks nothing. */
  readonly answered: readonly string[];
  readonly asked: readonly string[];
  /** The agent's line that will be or is the answer, and the wait that no line has yet. */
  readonly answerLine: string | null;
  readonly pending: number | null;
  /** Milliseconds, by the id of the agent's line. */
  readonly byLine: Readonly<Record<string, number>>;
  readonly last: number | null;
}

export const NO_TURNS: Turns = {
  askedAt: null,
  speaking: false,
  answered: [],
  asked: [],
  answerLine: null,
  pending: null,
  byLine: {},
  last: null,
};

/** Only what was said last can still be corrected. */
const REMEMBERED = 20;

export function callerSaid(turns: Turns, line: string, at: number): Turns {
  if (turns.answered.includes(line)) return turns;
  const asked = turns.asked.includes(line) ? turns.asked : [...turns.asked, line];
  return { ...turns, asked, askedAt: at, answerLine: null, pending: null };
}

export function agentSaid(turns: Turns, line: string): Turns {
  if (turns.answerLine !== null || line in turns.byLine) return turns;
  if (turns.askedAt !== null) return { ...turns, answerLine: line };
  if (turns.pending === null) return turns;
  const byLine = { ...turns.byLine, [line]: turns.pending };
  return { ...turns, answerLine: line, pending: null, byLine };
}

export function agentIs(turns: Turns, speaking: boolean, at: number): Turns {
  if (speaking === turns.speaking) return turns;
  if (!speaking || turns.askedAt === null) return { ...turns, speaking };
  const waited = Math.max(0, at - turns.askedAt);
  return {
    ...turns,
    speaking,
    askedAt: null,
    asked: [],
    answered: [...turns.answered, ...turns.asked].slice(-REMEMBERED),
    last: waited,
    pending: turns.answerLine === null ? waited : null,
    byLine: turns.answerLine === null ? turns.byLine : { ...turns.byLine, [turns.answerLine]: waited },
  };
}
