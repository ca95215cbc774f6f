/** What LiveKit, the browser and the gateway throw or report, as the problems that the page has words for. */

import {
  ConnectionError,
  ConnectionErrorReason,
  DisconnectReason,
  MediaDeviceFailure,
  NegotiationError,
  UnexpectedConnectionState,
} from "livekit-client";

import { GatewayError } from "../shared/api.ts";
import type { Problem } from "./messages.ts";

const LOST = /engine restart|engine not connected/i;

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.kind);
  }
}

export function microphoneProblem(error: unknown): Problem {
  switch (MediaDeviceFailure.getFailure(error)) {
    case MediaDeviceFailure.PermissionDenied:
      return { kind: "microphone-denied" };
    case MediaDeviceFailure.NotFound:
      return { kind: "microphone-missing" };
    case MediaDeviceFailure.DeviceInUse:
      return { kind: "microphone-busy" };
    default:
      return { kind: "microphone-failed" };
  }
}

export function toProblem(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (error instanceof GatewayError) return error.failure;
  if (error instanceof ConnectionError) {
    return error.reason === ConnectionErrorReason.NotAllowed
      ? { kind: "media-refused" }
      : { kind: "media-unreachable" };
  }
  // The connection was lost while something was to be sent by it, which LiveKit tells as an error of that.
  if (error instanceof UnexpectedConnectionState || error instanceof NegotiationError || LOST.test(String(error))) {
    return { kind: "connection-lost" };
  }
  return { kind: "unexpected", detail: error instanceof Error ? error.message : String(error) };
}

/** Null where one of the two sides simply hung up. */
export function disconnectProblem(reason: DisconnectReason | undefined): Problem | null {
  switch (reason) {
    case DisconnectReason.CLIENT_INITIATED:
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
      return null;
    case DisconnectReason.DUPLICATE_IDENTITY:
      return { kind: "joined-elsewhere" };
    case DisconnectReason.PARTICIPANT_REMOVED:
      return { kind: "removed" };
    case DisconnectReason.SERVER_SHUTDOWN:
      return { kind: "server-stopped" };
    case DisconnectReason.AGENT_ERROR:
      return { kind: "agent-failed" };
    case DisconnectReason.JOIN_FAILURE:
    case DisconnectReason.MEDIA_FAILURE:
      return { kind: "media-unreachable" };
    default:
      return { kind: "connection-lost" };
  }
}
