"""The seccomp program, run call by call through a small interpreter of classic BPF, and for real inside."""

from __future__ import annotations

import errno
import json
import platform
import struct

import pytest

from assay.sandbox import Limits, SandboxSpec
from assay.sandbox.native import NativeSandbox, seccomp

ALLOW, KILL = 0x7FFF0000, 0x80000000
ARCHES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
COLUMN = {"x86_64": 0, "aarch64": 1}


def fails_with(number: int) -> int:
    return 0x00050000 | number


def verdict(program: bytes, arch: int, number: int, first: int = 0) -> int:
    """What the kernel would do with a call: an interpreter for the few operations that filters use."""
    data = struct.pack("=IIQ6Q", number & 0xFFFFFFFF, arch, 0, first, 0, 0, 0, 0, 0)
    ops = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    accumulator, at = 0, 0
    while True:
        code, yes, no, value = ops[at]
        at += 1
        if code == 0x20:  # load a word
            (accumulator,) = struct.unpack_from("=I", data, value)
        elif code == 0x06:  # return
            return value
        else:  # jump if equal, if not below, if any bit is set
            true = {0x15: accumulator == value, 0x35: accumulator >= value, 0x45: bool(accumulator & value)}[code]
            at += yes if true else no


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_number_gets_its_verdict(machine: str, counted: bool, debug: bool) -> None:
    program, arch, column = seccomp.program(debug, counted, machine), ARCHES[machine], COLUMN[machine]
    denied = {numbers[column] for numbers in seccomp.denied(debug, counted).values() if numbers[column] >= 0}
    for number in range(1024):
        expected = fails_with(errno.EPERM) if number in denied else ALLOW
        if number == seccomp.CLONE3[column]:
            expected = fails_with(errno.ENOSYS)
        assert verdict(program, arch, number, first=1) == expected, number


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_clone_only_without_new_namespaces(machine: str) -> None:
    program, arch, number = seccomp.program(machine=machine), ARCHES[machine], seccomp.CLONE[COLUMN[machine]]
    thread = 0x3D0F00  # what pthread_create passes
    for flags in (17, thread, 0x01200011):
        assert verdict(program, arch, number, flags) == ALLOW
    for bit in (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(program, arch, number, thread | bit) == fails_with(errno.EPERM), hex(bit)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_sockets_of_five_families_only(machine: str) -> None:
    program, arch, number = seccomp.program(machine=machine), ARCHES[machine], seccomp.SOCKET[COLUMN[machine]]
    for family in range(64):
        expected = ALLOW if family in seccomp.FAMILIES else fails_with(errno.EAFNOSUPPORT)
        assert verdict(program, arch, number, family) == expected, family


def test_other_numberings_are_shut_out() -> None:
    program = seccomp.program(machine="x86_64")
    assert verdict(program, 0x40000003, 20) == KILL  # a 32-bit program
    assert verdict(program, ARCHES["aarch64"], 0) == KILL
    for number in (0x40000000, 0x40000000 + 165, 0xFFFFFFFF):
        assert verdict(program, ARCHES["x86_64"], number) == fails_with(errno.EPERM)


def test_a_machine_without_a_table_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="riscv64"):
        seccomp.program(machine="riscv64")


CALL_ALL = """
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
zero = ctypes.c_long(0)
result = {}
for name, number in json.load(sys.stdin).items():
    ctypes.set_errno(0)
    outcome = libc.syscall(ctypes.c_long(number), zero, zero, zero, zero, zero, zero)
    result[name] = ctypes.get_errno() if outcome == -1 else 0
print(json.dumps(result))
"""


@pytest.mark.skipif(platform.machine() not in COLUMN, reason="no table for this machine")
@pytest.mark.parametrize("debug", [False, True])
def test_the_kernel_refuses_the_whole_table(debug: bool) -> None:
    found = NativeSandbox.probe()
    if not found.ok:
        pytest.skip(found.reason)
    column = COLUMN[platform.machine()]
    table = seccomp.denied(debug, counted=True)
    calls = {name: numbers[column] for name, numbers in table.items() if numbers[column] >= 0}
    box = NativeSandbox(SandboxSpec(limits=Limits(debug=debug)))
    try:
        box.start()
        result = box.exec(["python3", "-c", CALL_ALL], timeout=60, stdin=json.dumps(calls).encode())
        assert result.exit_code == 0, result.text()
        assert json.loads(result.stdout) == dict.fromkeys(calls, errno.EPERM)
    finally:
        box.close()
