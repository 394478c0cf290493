"""An Asterisk without SIP and audio, for tests of the app's decisions. To the app it looks like the real one.

It speaks ARI (HTTP and WebSocket) and AMI, calls the FastAGI server, and has the entry points of our dialplan. Its
responses have the shape that Asterisk's own api-docs describe (`documents`). The app, its journal, workers and database
are real, and run in the test's own process (`system`). Prompts last as long as their files, and phones ring until
somebody answers, but no test waits for that: time only passes while nothing is left to do (`clock`).

Anything that only the wire or the audio can show stays in `tests/calls`, along with at least one call for every
behavior.
"""

from tests.asterisk.phone import Phone
from tests.asterisk.system import ELM, LAKESIDE, Seam, Template, template

__all__ = ["ELM", "LAKESIDE", "Phone", "Seam", "Template", "template"]
