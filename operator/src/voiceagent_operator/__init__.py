"""The operator: from each VoiceAgent to its children, and back to its status."""
