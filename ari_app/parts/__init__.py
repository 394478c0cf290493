"""What `leaseline serve` runs: the parts of `serve --only`, one file each."""
