"""Unpacks Debian packages into a folder, without installing them.

apt uses the mirror from the machine's configuration, with its own package lists, cache and status file, so that the
system is unchanged and root is not required. apt's signature checks stay on.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bot.errors import FirstmateError, Unreachable
from bot.lab.progress import Reporter

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)


@dataclass(frozen=True)
class PackageBundle:
    """Packages from one suite of the mirror."""

    suite: str
    packages: tuple[str, ...]

    @property
    def folder(self) -> str:
        return f"{self.suite}-{hashlib.sha256(' '.join(self.packages).encode()).hexdigest()[:8]}"


def unpack_bundle(cache: Path, bundle: PackageBundle, progress: Reporter) -> Path:
    """Returns the folder of the unpacked packages, downloading them first if it does not exist."""
    root = cache / bundle.folder
    if root.is_dir():
        return root
    work = cache / f"{bundle.folder}.part"
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("state/lists/partial", "cache/archives/partial", "root"):
        (work / folder).mkdir(parents=True)
    options = apt_options(work, bundle, _mirror())
    _apt([*options, "update"], progress, f"Reading the package lists of {bundle.suite}")
    _apt(
        [*options, "--yes", "--no-install-recommends", "--download-only", "install", *bundle.packages],
        progress,
        f"Downloading {', '.join(bundle.packages)}",
    )
    archives = sorted((work / "cache/archives").glob("*.deb"))
    text = f"Unpacking {len(archives)} packages"
    with ThreadPoolExecutor(max_workers=2) as pool:
        for done, _ in enumerate(pool.map(lambda deb: _unpack(deb, work / "root"), archives), start=1):
            progress.step(text, done / len(archives))
    (work / "root").rename(root)
    shutil.rmtree(work, ignore_errors=True)
    return root


def _unpack(archive: Path, root: Path) -> None:
    done = subprocess.run(
        ["dpkg-deb", "--extract", str(archive), str(root)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise FirstmateError(f"{archive.name} could not be unpacked into {root}: {done.stderr.strip()[-200:]}")


def _mirror() -> str:
    """Returns the URL of the Debian mirror in the machine's apt configuration; raises Unreachable without one."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in done.stdout.splitlines():
        if line.rstrip("/").endswith("/debian"):
            return line
    raise Unreachable("the machine's apt configuration names no Debian mirror")


def apt_options(work: Path, bundle: PackageBundle, mirror: str) -> list[str]:
    """Returns the options with which apt works in the folder alone; raises Unreachable without Debian's keyring."""
    keyring = next((path for path in KEYRINGS if path.exists()), None)
    if keyring is None:
        raise Unreachable("the keyring of Debian's archive is not installed (package debian-archive-keyring)")
    sources = work / "sources.list"
    sources.write_text(f"deb [signed-by={keyring}] {mirror} {bundle.suite} main\n", encoding="utf-8")
    status = work / "status"
    status.touch()
    settings = {
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "-",
        "Dir::Etc::preferences": "-",
        "Dir::Etc::preferencesparts": "-",
        "Dir::State": work / "state",
        "Dir::State::lists": work / "state/lists",
        "Dir::State::status": status,
        "Dir::Cache": work / "cache",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled": "false",
        "Acquire::Retries": "3",
        "APT::Get::AllowUnauthenticated": "false",
        "APT::Status-Fd": "1",
    }
    if os.geteuid() == 0:
        settings["APT::Sandbox::User"] = "root"  # the user _apt has no access to root's cache
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def _apt(arguments: list[str], progress: Reporter, text: str) -> None:
    progress.step(text)
    command = ["apt-get", "--quiet", *arguments]
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    tail: list[str] = []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.match(r"dlstatus:[^:]*:([\d.]+):", line)
            if found:
                progress.step(text, float(found.group(1)) / 100)
            elif line.startswith(("E:", "W:", "Err:")):
                tail.append(line.strip())
    if process.returncode != 0:
        raise Unreachable(f"apt-get failed: {' '.join(tail)[-400:] or 'no reason given'}")
