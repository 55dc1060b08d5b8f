# SPDX-License-Identifier: GPL-2.0
"""The demo's disk: an ext4 image filled from files of this machine, and what must be true of it afterwards."""

import hashlib
import os
import shutil
import subprocess

SOURCES = ("/usr/lib", "/usr/share", "/usr/bin", "/usr/sbin")
FILES_MIN, FILES_MAX = 2000, 4000
BYTES_WANTED = 110 << 20
FILE_MAX = 4 << 20


def candidates():
    """Regular files of the machine in a stable order, no links, none too large."""
    for source in SOURCES:
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path) and 0 < os.path.getsize(path) <= FILE_MAX:
                    yield path


def choose():
    """A few thousand files, 100 MB or more: small ones up to a number, then large ones up to the size."""
    chosen, total, large = [], 0, []
    for path in candidates():
        size = os.path.getsize(path)
        if size > 100 << 10:
            large.append((path, size))
        elif len(chosen) < FILES_MAX - 800 and os.access(path, os.R_OK):
            chosen.append(path)
            total += size
        if len(chosen) >= FILES_MAX - 800 and len(large) >= 800:
            break
    for path, size in large:
        if total >= BYTES_WANTED:
            break
        chosen.append(path)
        total += size
    return chosen, total


def fill(folder):
    """Copies the chosen files to FOLDER/files and returns (count, bytes, manifest lines)."""
    shutil.rmtree(folder, ignore_errors=True)
    files = os.path.join(folder, "files")
    paths, total = choose()
    manifest = []
    for number, path in enumerate(paths):
        name = f"{number // 100:03d}/{number:05d}-{''.join(c if c.isalnum() or c in '._-' else '_' for c in os.path.basename(path))[:80]}"
        target = os.path.join(files, name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(path, target)
        manifest.append(f"{digest(target)}  files/{name}\n")
    return len(paths), total, manifest


def digest(path):
    with open(path, "rb") as content:
        return hashlib.sha256(content.read()).hexdigest()


def make_image(path, folder, mib):
    if os.path.exists(path):
        os.unlink(path)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0", "-d", folder, path, f"{mib}M"],
                   check=True)


def fsck(path):
    """An empty string if e2fsck -fn finds nothing, else what it says."""
    ran = subprocess.run(["e2fsck", "-fn", path], capture_output=True, text=True, check=False)
    return "" if ran.returncode == 0 else (ran.stdout + ran.stderr).strip()[-400:]


def compare_returned(image, original, scratch):
    """Extracts what the guest wrote and compares it byte for byte: (equal files, first differences)."""
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    subprocess.run(["debugfs", "-R", f"rdump /returned/files {scratch}", image], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    equal, different = 0, []
    for folder, _, names in os.walk(original):
        for name in names:
            path = os.path.join(folder, name)
            relative = os.path.relpath(path, original)
            copy = os.path.join(scratch, "files", relative)
            if os.path.exists(copy) and digest(copy) == digest(path):
                equal += 1
            else:
                different.append(relative)
    return equal, different
