"""Drivers by the model that a rig file names."""

from importlib import import_module
from typing import TYPE_CHECKING, cast

from harness.errors import RigFileError, unknown_name

if TYPE_CHECKING:
    from harness.instruments.driver import Driver
    from harness.instruments.modbus_relay_card import ModbusRelayCard
    from harness.instruments.roles import Instrument
    from harness.instruments.scpi_driver import ScpiDriver
    from harness.transports.modbus import ModbusSession
    from harness.transports.visa import ScpiSession

DRIVERS: dict[str, str] = {
    "keithley-2450": "harness.instruments.keithley_2450:Keithley2450",
    "keysight-34465a": "harness.instruments.keysight_34465a:Keysight34465A",
    "keysight-dsox1204g": "harness.instruments.keysight_dsox1204g:KeysightDsox1204g",
    "keysight-34970a": "harness.instruments.keysight_34970a:Keysight34970A",
    "rohde-schwarz-hmp4040": "harness.instruments.rohde_schwarz_hmp4040:Hmp4040",
}

"""Those that are reached by VISA."""
SERIAL_DRIVERS: dict[str, str] = {
    "modbus-relay-card": "harness.instruments.modbus_relay_card:ModbusRelayCard",
}
"""Those that are reached by Modbus RTU over a stream."""
_ALL = DRIVERS | SERIAL_DRIVERS


def open_driver(model: str, session: "ScpiSession") -> "Instrument":
    """Return the driver of a model for the instrument at the other end of a session.

    The session is the driver's from here on: closing the driver closes it, and so does a failure to open.

    Raises:
        RigFileError: there is no driver for the model.
        InstrumentError: the instrument is another one, or does not answer as it should.
    """
    try:
        return cast("type[ScpiDriver]", driver_class(model, session.role))(session)
    except BaseException:
        session.close()
        raise


def open_serial_driver(model: str, session: "ModbusSession") -> "Instrument":
    """Return the driver of a model of `SERIAL_DRIVERS`. The session is the driver's from here on, as in `open_driver`.

    Raises:
        InstrumentError: nobody answers, or not as it should.
    """
    try:
        return cast("type[ModbusRelayCard]", driver_class(model, session.role))(session)
    except BaseException:
        session.close()
        raise


def driver_class(model: str, role: str) -> "type[Driver]":
    """Return the driver of a model, which states what such an instrument has.

    Raises:
        RigFileError: there is no driver for the model; names the role.
    """
    if model not in _ALL:
        raise RigFileError(f"{role}: {unknown_name('instrument model', model, _ALL)}")
    module, name = _ALL[model].split(":")
    return cast("type[Driver]", getattr(import_module(module), name))
