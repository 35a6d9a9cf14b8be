"""The simulated world: kernel, CAN network, electrical plant, instruments and ECUs."""
