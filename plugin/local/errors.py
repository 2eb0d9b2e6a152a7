"""What can go wrong with the product on one machine, each as one sentence for the person at the terminal."""


class LocalError(Exception):
    """A problem of this machine, not of the program: its text is all the person needs to read.

    LocalError
    ├── PortInUse      another program listens on a port we need
    ├── DiskFull       too little free space for the data directory
    ├── NotReady       a process did not answer in time, or ended
    └── Missing        a tool or file is not there
    """


class PortInUse(LocalError):
    """Another program listens on a port we need."""


class DiskFull(LocalError):
    """Too little free space for the data directory."""


class NotReady(LocalError):
    """A process did not answer within its time, or ended while we waited."""


class Missing(LocalError):
    """A tool or a file that the command needs is not there."""
