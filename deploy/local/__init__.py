"""Everything that `make up`, `make down` and `make test` need on one machine.

Owns: the virtual environment, the distribution's packages, the private servers and the
supervisor. It must import nothing but the standard library: it runs under the system's Python
before there is a virtual environment. It must not know a loyalty rule.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (here, before newer syntax is met: a clear word)
    sys.exit("Tamaru needs Python 3.11 or newer; name one: make up PYTHON=/path/to/python3.11")
