// The token server that people write: Express and livekit-server-sdk, signing what the gateway signs.
import express from "express";
import { RoomAgentDispatch, RoomConfiguration } from "@livekit/protocol";
import { randomBytes } from "node:crypto";
import { AccessToken } from "livekit-server-sdk";

const { PORT, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, LIVEKIT_URL, AGENT_NAME } = process.env;
const TTL_SECONDS = 600;
const app = express();

app.get("/token", async (request, response) => {
  const room = request.query.room ?? `receptionist-${randomBytes(16).toString("hex")}`;
  const identity = request.query.identity ?? `caller-${randomBytes(16).toString("hex")}`;
  const token = new AccessToken(LIVEKIT_API_KEY, LIVEKIT_API_SECRET, { identity, ttl: TTL_SECONDS });
  token.addGrant({ roomJoin: true, room, canPublish: true, canSubscribe: true, canPublishData: true });
  token.roomConfig = new RoomConfiguration({ agents: [new RoomAgentDispatch({ agentName: AGENT_NAME })] });
  response.set("Cache-Control", "no-store").json({
    token: await token.toJwt(),
    url: LIVEKIT_URL,
    room,
    identity,
    expires_at: new Date(Date.now() + TTL_SECONDS * 1000).toISOString(),
  });
});

app.listen(Number(PORT), "127.0.0.1");
