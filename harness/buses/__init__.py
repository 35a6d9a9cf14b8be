"""What a test sees of a bus: signals, frames, cycle times, traces."""
