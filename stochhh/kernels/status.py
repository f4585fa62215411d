"""Why a kernel returned."""

FINISHED = 0  #: reached the end of the stimulus
PAUSED = 1  #: spent its budget; call again to go on
SPIKES_FULL = 2  #: the spike buffer is full; empty it and call again
FLIPS_FULL = 3  #: the buffer of tagged channels' transitions is full; likewise
LEFT_TABLE = 4  #: the voltage left the tabulated bands; extend them and call again
BOUND_BROKEN = 5  #: a rate was found outside its bounds; nothing can be trusted
RECORDS_FULL = 6  #: the record buffer is full; empty it and call again
RELEASES_FULL = 7  #: the buffer of released vesicles is full; likewise
COHORTS_FULL = 8  #: no room for more cohorts of release sites; make some and call again
STUCK = 9  #: no step is short enough
