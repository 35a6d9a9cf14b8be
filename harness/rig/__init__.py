"""From a rig file to an opened rig."""
