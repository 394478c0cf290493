"""`python -m ari_app.republish HOME`: writes Asterisk's configuration, and has a running Asterisk read it.

`leaseline up` has this done by a process of its own, because its own code is still that of the former version after an
update, while templates, tables and settings are those of the new one.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from crm import context, in_force
from crm.config import ConfigError
from crm.domain.errors import CrmError
from crm.secrets import SecretError
from crm.services.phones import publish


def main(home: Path) -> None:
    try:
        crm = context.opened(in_force.load(home))
        try:
            asyncio.run(publish.publish(crm))
        finally:
            crm.store.close()
    except (ConfigError, CrmError, SecretError, OSError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
