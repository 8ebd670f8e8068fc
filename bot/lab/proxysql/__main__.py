"""`python -m bot.lab.proxysql`: serves a stand-in for ProxySQL's admin interface until it is interrupted."""

from __future__ import annotations

import argparse
import sys

from bot.errors import Exit, FirstmateError
from bot.lab.proxysql.admin import Admin

try:
    from bot.lab.proxysql.server import ADMIN, PASSWORDS, STATS, ProxySQLServer
except ImportError as missing:
    raise SystemExit(
        f"The stand-in needs mysql-mimic; install it with: pip install 'firstmate[lab]'. ({missing})"
    ) from missing


def main(argv: list[str] | None = None) -> int:
    """Serves the stand-in; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot.lab.proxysql", description=__doc__)
    parser.add_argument("--port", type=int, default=6032, help="port on 127.0.0.1 (default: 6032; 0: any free port)")
    parser.add_argument("--writer", metavar="HOST:PORT", action="append", default=[], help="a server of hostgroup 10")
    parser.add_argument("--reader", metavar="HOST:PORT", action="append", default=[], help="a server of hostgroup 20")
    given = parser.parse_args(argv)
    try:
        servers = [(10, *_server(each)) for each in given.writer] + [(20, *_server(each)) for each in given.reader]
    except ValueError:
        parser.error("a server is HOST:PORT")
    try:
        with ProxySQLServer(Admin(servers, [(10, 20)]), given.port) as server:
            sys.stdout.write(f"The stand-in for ProxySQL is at 127.0.0.1:{server.port}\n")
            for user in (STATS, ADMIN):
                sys.stdout.write(f"  {user}, password {PASSWORDS[user]}\n")
            sys.stdout.flush()
            server.join()
    except FirstmateError as problem:
        sys.stderr.write(f"{problem}\n")
        return problem.exit_code
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.DONE


def _server(written: str) -> tuple[str, int]:
    host, _, port = written.rpartition(":")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
