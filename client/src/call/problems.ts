/** What LiveKit, the browser and the gateway throw or report, as the problems that the page has words for. */

import {
  ConnectionError,
  ConnectionErrorReason,
  DeviceUnsupportedError,
  DisconnectReason,
  MediaDeviceFailure,
  NegotiationError,
  PublishTrackError,
  TrackInvalidError,
  UnexpectedConnectionState,
} from "livekit-client";

import { GatewayError } from "../shared/api.ts";
import type { Problem } from "./messages.ts";

const NOT_PERMITTED = 403;

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
  if (error instanceof UnexpectedConnectionState || error instanceof NegotiationError) {
    return { kind: "media-unreachable" };
  }
  return { kind: "unexpected", detail: error instanceof Error ? error.message : String(error) };
}

/**
 * Why the microphone could not be sent to a room that the caller is in. Refusals and microphones that do not fit have
 * classes of their own; a connection that was lost meanwhile is told by LiveKit as plain errors of many kinds.
 */
export function publishProblem(error: unknown): Problem {
  if (error instanceof PublishTrackError && error.status === NOT_PERMITTED) return { kind: "media-refused" };
  if (error instanceof TrackInvalidError || error instanceof DeviceUnsupportedError) return { kind: "microphone-failed" };
  return { kind: "connection-lost" };
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
