import {
  ConnectionError,
  NegotiationError,
  PublishTrackError,
  TrackInvalidError,
  UnexpectedConnectionState,
} from "livekit-client";
import { describe, expect, test } from "vitest";

import { publishProblem, toProblem } from "../src/call/problems.ts";

describe("a microphone that cannot be sent to the room", () => {
  test.each([
    ["a caller who may not", new PublishTrackError("insufficient permissions", 403), "media-refused"],
    ["a server that does not answer in time", new PublishTrackError("not connected in time", 408), "connection-lost"],
    ["a track that is none", new TrackInvalidError(), "microphone-failed"],
    ["no agreement on how to send", new NegotiationError(), "connection-lost"],
    ["a room that was left", new UnexpectedConnectionState(), "connection-lost"],
    ["an error without a class", new Error("whatever the next release says"), "connection-lost"],
  ])("for %s", (_, error, kind) => {
    expect(publishProblem(error).kind).toBe(kind);
  });
});

describe("a room that cannot be joined", () => {
  test.each([
    ["a token that is not accepted", ConnectionError.notAllowed("invalid token", 401), "media-refused"],
    ["a server that is not there", ConnectionError.serverUnreachable("could not connect"), "media-unreachable"],
    ["no agreement on how to send", new NegotiationError(), "media-unreachable"],
    ["what nobody thought of", new Error("?"), "unexpected"],
  ])("for %s", (_, error, kind) => {
    expect(toProblem(error).kind).toBe(kind);
  });
});
