"""The whole system on one machine with no account: kind, LiveKit, speech and language models.

Only the standard library is used here, so that `python -m voiceagent_sandbox` runs before anything is installed.
"""
