"""What every room stands on: the disk, the machine, and errors a user can act on."""
