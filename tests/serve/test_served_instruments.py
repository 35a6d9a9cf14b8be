"""Instruments of a served rig, driven by clients from outside: pymodbus on the relay card, pyvisa-py on the scope."""

import pytest
import pyvisa
from pymodbus.client import ModbusTcpClient
from pymodbus.framer import FramerType

from tests.serve.conftest import ServedProcess


@pytest.mark.parametrize("coil", [0, 7])
def test_a_client_of_pymodbus_switches_the_relays(rig: ServedProcess, coil: int) -> None:
    host, _, port = rig.facts["resources"]["relay card"].removeprefix("tcp://").partition(":")
    client = ModbusTcpClient(host, port=int(port), framer=FramerType.RTU, timeout=10)
    assert client.connect()  # type: ignore[no-untyped-call]  # pymodbus has no type for it
    try:
        assert not client.write_coil(coil, True, device_id=1).isError()
        assert client.read_coils(0, count=8, device_id=1).bits == [number == coil for number in range(8)]
        assert not client.write_coils(0, [False] * 8, device_id=1).isError()
        assert client.read_coils(0, count=8, device_id=1).bits == [False] * 8
        assert client.read_coils(8, count=1, device_id=1).exception_code == 2
        assert client.read_holding_registers(0, count=1, device_id=1).exception_code == 1
    finally:
        client.close()  # type: ignore[no-untyped-call]


def test_pyvisa_reads_a_block_by_its_own_rules(rig: ServedProcess) -> None:
    manager = pyvisa.ResourceManager("@py")
    scope = manager.open_resource(
        rig.facts["resources"]["scope"], read_termination="\n", write_termination="\n", timeout=10_000
    )
    assert isinstance(scope, pyvisa.resources.MessageBasedResource)
    try:
        scope.write(":CHAN1:RANG 16;OFFS 8;:TIM:RANG 0.01;:TRIG:SWE AUTO;:SING")
        while int(scope.query(":OPER:COND?")) & 8:
            pass
        points = int(scope.query(":WAV:FORM BYTE;POIN 1000;:WAV:PRE?").split(",")[2])
        data = scope.query_binary_values(":WAV:DATA?", datatype="B")
    finally:
        scope.close()
        manager.close()
    assert len(data) == points == 1000
    assert set(data) == {0}, "0 V, at the lower edge of 0 V to 16 V"
