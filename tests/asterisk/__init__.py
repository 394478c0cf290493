"""An Asterisk without SIP and sound, for tests of what the app decides. To the app it looks like the real one.

It speaks ARI (HTTP and WebSocket) and AMI, asks the FastAGI server, and has the doors of our dialplan. Its answers have
the shape that Asterisk's own api-docs describe (`documents`). The app, its journal, workers and database are the real
ones, in the test's own process (`system`). Prompts last as long as their files and phones ring until somebody answers,
but no test waits for that: time passes only when nobody has anything to do (`clock`).

What only the wire or the ear can tell stays in `tests/calls`, along with at least one call for every behaviour.
"""

from tests.asterisk.phone import Phone
from tests.asterisk.system import ELM, LAKESIDE, Seam, Template, template

__all__ = ["ELM", "LAKESIDE", "Phone", "Seam", "Template", "template"]
