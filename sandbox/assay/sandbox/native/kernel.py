"""The few system calls that Python does not offer, through the C library. Each raises ``OSError`` with its name."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import Any

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
CLONE_INTO_CGROUP = 0x200000000
SIGCHLD = 17
ATTR_RDONLY, ATTR_NOSUID, ATTR_NODEV, ATTR_IDMAP = 1, 2, 4, 0x00100000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 24, 38

_AT_FDCWD, _AT_EMPTY_PATH, _AT_RECURSIVE = -100, 0x1000, 0x8000
_OPEN_TREE_CLONE, _MOVE_MOUNT_F_EMPTY_PATH = 1, 4
_RESOLVE_IN_ROOT, _RESOLVE_NO_MAGICLINKS = 0x10, 0x02
# the same on every machine
_OPEN_TREE, _MOVE_MOUNT, _PIDFD_OPEN, _CLONE3, _OPENAT2, _MOUNT_SETATTR = 428, 429, 434, 435, 437, 442
_CLONE, _PIVOT_ROOT = (220, 41) if platform.machine() == "aarch64" else (56, 155)

_libc = ctypes.CDLL(None, use_errno=True)
_held = ctypes.PyDLL(None, use_errno=True)  # keeps the interpreter's lock, as a fork must


def _checked(result: int, what: str, path: Any = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}", path)
    return result


def _word(value: int) -> ctypes.c_long:
    return ctypes.c_long(value)


def mount(source: str, target: str, kind: str | None = None, flags: int = 0, data: str | None = None) -> None:
    """``mount(2)``."""
    texts = [None if value is None else os.fsencode(value) for value in (source, target, kind, data)]
    result = _libc.mount(texts[0], texts[1], texts[2], ctypes.c_ulong(flags), texts[3])
    _checked(result, f"mount {kind or 'bind'}", target)


def unmount(target: str) -> None:
    """Detach a mount and everything below it."""
    _checked(_libc.umount2(os.fsencode(target), MNT_DETACH), "umount", target)


def pivot_root(new: str, old: str) -> None:
    """``pivot_root(2)``."""
    _checked(_libc.syscall(_word(_PIVOT_ROOT), os.fsencode(new), os.fsencode(old)), "pivot_root", new)


def open_tree(path: str, attributes: int, idmap_fd: int = -1) -> int:
    """A detached copy of the mount at ``path`` and those below it, with attributes set and ids mapped.

    Args:
        path: on the host.
        attributes: of ``MOUNT_ATTR_*``, set on top of what the source has.
        idmap_fd: a user namespace whose map the owners of files go through.
    """
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    fd = _checked(
        _libc.syscall(_word(_OPEN_TREE), _word(_AT_FDCWD), os.fsencode(path), _word(flags)), "open_tree", path
    )
    try:
        set_attributes(fd, attributes, idmap_fd)
    except OSError:
        os.close(fd)
        raise
    return fd


def set_attributes(fd: int, attributes: int, idmap_fd: int = -1, below: bool = True) -> None:
    """``mount_setattr(2)`` on an open mount and, unless told otherwise, those below it."""
    if idmap_fd >= 0:
        attributes |= ATTR_IDMAP
    data = struct.pack("=QQQQ", attributes, 0, 0, max(0, idmap_fd))
    flags = _AT_EMPTY_PATH | (_AT_RECURSIVE if below else 0)
    result = _libc.syscall(_word(_MOUNT_SETATTR), _word(fd), b"", _word(flags), data, _word(len(data)))
    _checked(result, "mount_setattr with mapped ids" if idmap_fd >= 0 else "mount_setattr")


def move_mount(fd: int, target: str) -> None:
    """Attach a detached mount."""
    result = _libc.syscall(
        _word(_MOVE_MOUNT), _word(fd), b"", _word(_AT_FDCWD), os.fsencode(target), _word(_MOVE_MOUNT_F_EMPTY_PATH)
    )
    _checked(result, "move_mount", target)


def open_in_root(root: int, path: str) -> int:
    """Open a path as if ``root`` (a descriptor) were ``/``, links included; for use as a mount target."""
    how = struct.pack("=QQQ", os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS)
    result = _libc.syscall(_word(_OPENAT2), _word(root), os.fsencode(path), how, _word(len(how)))
    return _checked(result, "openat2", path)


def clone(namespaces: int) -> int:
    """Fork into new namespaces. 0 in the child."""
    zeros = [_word(0)] * 4
    return _checked(_held.syscall(_word(_CLONE), ctypes.c_ulong(namespaces | SIGCHLD), *zeros), "clone")


def open_process(pid: int) -> int:
    """A descriptor that becomes readable when the process ends (many builds of Python lack ``os.pidfd_open``)."""
    return _checked(_libc.syscall(_word(_PIDFD_OPEN), _word(pid), _word(0)), "pidfd_open")


def unshare(namespaces: int) -> None:
    """Move this process, and all that it forks from now on, into new namespaces."""
    _checked(_libc.unshare(ctypes.c_int(namespaces)), "unshare")


def fork_into(cgroup_fd: int) -> int:
    """Fork with the child in a cgroup (version 2) from its first instruction. 0 in the child."""
    data = struct.pack("=11Q", CLONE_INTO_CGROUP, 0, 0, 0, SIGCHLD, 0, 0, 0, 0, 0, cgroup_fd)
    return _checked(_held.syscall(_word(_CLONE3), data, _word(len(data))), "clone3")


def prctl(option: int, *values: Any) -> None:
    """``prctl(2)``."""
    padded = [*values, *[_word(0)] * (4 - len(values))]
    _checked(_libc.prctl(option, *padded), f"prctl {option}")


def drop_bounding_set() -> None:
    """No program executed from now on can gain a capability, not even as root or from its file."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, _word(capability))
        except OSError:
            return  # past the last one that this kernel knows


def clear_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets."""
    header = struct.pack("=Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    _checked(_libc.capset(header, bytes(24)), "capset")


def install_filter(program: bytes) -> None:
    """Put this process and all its children under a seccomp filter. Needs ``PR_SET_NO_NEW_PRIVS``."""
    code = ctypes.create_string_buffer(program, len(program))
    fprog = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    prctl(PR_SET_SECCOMP, _word(2), fprog)


def set_host_name(name: str) -> None:
    """The host name of this UTS namespace."""
    encoded = name.encode()
    _checked(_libc.sethostname(encoded, ctypes.c_size_t(len(encoded))), "sethostname")
