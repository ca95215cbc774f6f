"""The sandbox's speech server: vendors' wire protocols in front of small local models.

It exists so that the real OpenAI and Deepgram plugins, and no stand-ins for them, carry a conversation on a
machine without accounts. It is not a product: its models are the smallest that can hold a conversation, it
accepts any key that does not say `invalid`, and it can be told to misbehave.

This module stays empty of imports: `piper_program` is started from it as a program of its own.
"""
