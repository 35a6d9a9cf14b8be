"""Keywords for the simulated ECUs: silence and named defects."""

from typing import TYPE_CHECKING

from robot.api.deco import keyword

if TYPE_CHECKING:
    from harness.keywords.session import Session


class EcuKeywords:
    """The simulated ECUs of the rig. When a test ends they speak again, and the defects it switched on are off."""

    def __init__(self, session: "Session") -> None:
        self._session = session

    @keyword("Silence ECU")
    def silence_ecu(self, ecu: str) -> None:
        """Lets a simulated ECU send nothing; it still listens.

        Example:
        | `Silence ECU`    brake control
        """
        rig = self._session.rig
        with rig.held():
            rig.ecu(ecu).silence()

    @keyword("Resume ECU")
    def resume_ecu(self, ecu: str) -> None:
        """Lets a silent ECU send again.

        Example:
        | `Resume ECU`    brake control
        """
        rig = self._session.rig
        with rig.held():
            rig.ecu(ecu).resume()

    @keyword
    def switch_defect_on(self, ecu: str, defect: str) -> None:
        """Gives a simulated ECU one of its named defects, to prove that a test finds it.

        Example:
        | `Switch Defect On`    head unit    boots slowly
        """
        rig = self._session.rig
        with rig.held():
            rig.ecu(ecu).switch_defect(defect, on=True)

    @keyword
    def switch_defect_off(self, ecu: str, defect: str) -> None:
        """Takes a named defect away.

        Example:
        | `Switch Defect Off`    head unit    boots slowly
        """
        rig = self._session.rig
        with rig.held():
            rig.ecu(ecu).switch_defect(defect, on=False)
