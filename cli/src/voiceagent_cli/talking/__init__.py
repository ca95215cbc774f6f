"""A call with a running agent from the terminal. Needs the package livekit, which `voiceagent-cli[talk]` brings."""
