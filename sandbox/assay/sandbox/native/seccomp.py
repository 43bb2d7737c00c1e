"""The system calls that commands in a native sandbox may not make, as a classic BPF program.

A list of what is denied, not of what is allowed: the walls are the namespaces and the missing capabilities, and this
takes away the parts of the kernel that strangers have most often broken them with. Numbers are those of
``asm/unistd_64.h`` (x86-64) and ``asm-generic/unistd.h`` (aarch64).
"""

from __future__ import annotations

import errno
import platform
import struct

# name: (x86-64, aarch64; -1 where it does not exist), and why
MOUNTS = {  # what is mounted decides what can be seen: the mount namespace is the file wall
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),  # a second chroot is the old way out of a first
    "open_tree": (428, 428),  # from here on the newer interface to the same
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "open_by_handle_at": (304, 265),  # opens by inode number, past every path
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
}
NAMESPACES = {  # a fresh user namespace hands out all capabilities, and with them much more kernel to attack
    "unshare": (272, 97),
    "setns": (308, 268),
}
OTHERS = {  # memory, descriptors and registers of other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),  # tells kernel addresses apart
    "pidfd_getfd": (438, 438),
}
KERNEL = {  # large or often broken interfaces that no test suite needs
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),  # stops the kernel at a chosen instruction: makes races winnable
    "io_uring_setup": (425, 425),  # file and network work that no filter sees
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "memfd_secret": (447, 447),  # memory that cannot be reclaimed or read by anyone else
    "fanotify_init": (300, 262),
    "lookup_dcookie": (212, 18),
    "modify_ldt": (154, -1),
    "iopl": (172, -1),
    "ioperm": (173, -1),
}
KEYS = {  # keyrings are shared by all processes of one real user, namespaces or not
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
}
MACHINE = {  # belong to the whole machine; need capabilities that are gone anyway
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "acct": (163, 89),
    "syslog": (103, 116),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
}
HIDDEN_MEMORY = {  # memory that belongs to no process, so that a sum over processes does not see it
    "memfd_create": (319, 279),
    "shmget": (29, 194),
}
CLONE, CLONE3, SOCKET = (56, 220), (435, 435), (41, 198)
NAMESPACE_FLAGS = 0x7E020080  # CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
FAMILIES = (0, 1, 2, 10, 16)  # unspecified, unix, IPv4, IPv6, netlink; vsock would reach the hypervisor past namespaces

_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
_LOAD, _EQUAL, _ABOVE, _ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCH, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; both machines are little-endian


def _op(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def denied(debug: bool, counted: bool) -> dict[str, tuple[int, int]]:
    """The calls that fail with EPERM: all tables, but those a debugger needs, and those that hide memory from a sum.

    Args:
        debug: let processes of the sandbox trace each other.
        counted: a cgroup counts the memory, so nothing can be hidden from it.
    """
    tables = [MOUNTS, NAMESPACES, KERNEL, KEYS, MACHINE]
    if not debug:
        tables.append(OTHERS)
    if not counted:
        tables.append(HIDDEN_MEMORY)
    return {name: numbers for table in tables for name, numbers in table.items()}


def program(debug: bool = False, counted: bool = True, machine: str = "") -> bytes:
    """The filter as an array of ``struct sock_filter``.

    Raises:
        NotImplementedError: for a machine without a table.
    """
    machine = machine or platform.machine()
    if machine not in _MACHINES:
        raise NotImplementedError(f"no table of system calls for {machine}")
    column, arch = _MACHINES[machine]
    deny = _op(_RETURN, _ERRNO | errno.EPERM)
    ops = [_op(_LOAD, _ARCH), _op(_EQUAL, arch, 1, 0), _op(_RETURN, _KILL), _op(_LOAD, _NUMBER)]
    if machine == "x86_64":  # the x32 numbering starts here and would pass every comparison below
        ops += [_op(_ABOVE, 0x40000000, 0, 1), deny]
    for number in sorted(numbers[column] for numbers in denied(debug, counted).values()):
        if number >= 0:
            ops += [_op(_EQUAL, number, 0, 1), deny]
    # its flags lie in memory, where a filter cannot look: the C library falls back to clone
    ops += [_op(_EQUAL, CLONE3[column], 0, 1), _op(_RETURN, _ERRNO | errno.ENOSYS)]
    ops += [_op(_EQUAL, CLONE[column], 0, 3), _op(_LOAD, _FIRST_ARGUMENT), _op(_ANY, NAMESPACE_FLAGS, 0, 1), deny]
    # clone's flags may now stand where the number was; reload it
    ops += [_op(_LOAD, _NUMBER), _op(_EQUAL, SOCKET[column], 0, len(FAMILIES) + 2), _op(_LOAD, _FIRST_ARGUMENT)]
    for index, family in enumerate(FAMILIES):
        ops.append(_op(_EQUAL, family, len(FAMILIES) - index, 0))
    ops += [_op(_RETURN, _ERRNO | errno.EAFNOSUPPORT), _op(_RETURN, _ALLOW)]
    return b"".join(ops)
