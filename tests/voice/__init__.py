"""What tests of the voice agent's process need: the process with scripted models, and a phone that it talks to."""
