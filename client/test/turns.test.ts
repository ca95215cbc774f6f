import { describe, expect, test } from "vitest";

import { agentIs, agentSaid, callerSaid, NO_TURNS } from "../src/call/turns.ts";

describe("the wait for an answer", () => {
  test("is from the last change of the caller's words to the agent's voice", () => {
    let turns = callerSaid(NO_TURNS, "q1", 1000);
    turns = callerSaid(turns, "q1", 1500);
    turns = agentIs(turns, true, 2700);
    turns = agentSaid(turns, "a1");
    expect(turns.last).toBe(1200);
    expect(turns.byLine).toEqual({ a1: 1200 });
  });

  test("stands beside the answer also where its words come before its sound", () => {
    let turns = callerSaid(NO_TURNS, "q1", 1000);
    turns = agentSaid(turns, "a1");
    turns = agentIs(turns, true, 1800);
    expect(turns.byLine).toEqual({ a1: 800 });
  });

  test("is of one line of the answer only", () => {
    let turns = callerSaid(NO_TURNS, "q1", 0);
    turns = agentIs(turns, true, 900);
    turns = agentSaid(turns, "a1");
    turns = agentIs(turns, false, 2000);
    turns = agentIs(turns, true, 2500);
    turns = agentSaid(turns, "a2");
    expect(turns.byLine).toEqual({ a1: 900 });
  });

  test("is not measured for a greeting, which answers nothing", () => {
    const turns = agentSaid(agentIs(NO_TURNS, true, 10), "hello");
    expect(turns.byLine).toEqual({});
    expect(turns.last).toBeNull();
  });

  test("is not begun again by a late correction of words that were answered", () => {
    let turns = callerSaid(NO_TURNS, "q1", 0);
    turns = agentIs(turns, true, 900);
    turns = callerSaid(turns, "q1", 950);
    turns = agentSaid(turns, "a1");
    turns = agentIs(agentIs(turns, false, 2000), true, 2100);
    expect(turns.last).toBe(900);
    expect(turns.byLine).toEqual({ a1: 900 });
  });

  test("goes on after a caller interrupted the agent", () => {
    let turns = callerSaid(NO_TURNS, "q1", 0);
    turns = agentIs(turns, true, 900);
    turns = agentSaid(turns, "a1");
    turns = callerSaid(turns, "q2", 1500);
    turns = agentIs(turns, false, 1600);
    turns = agentIs(turns, true, 2600);
    turns = agentSaid(turns, "a2");
    expect(turns.byLine).toEqual({ a1: 900, a2: 1100 });
  });
});
