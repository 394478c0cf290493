"""The parts of `leaseline serve`, as named by `serve --only`, one file each."""
