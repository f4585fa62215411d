"""Every study there is."""

from stochhh.studies import dwell_times, noise, single_channel, spectrum
from stochhh.studies.study import Study

#: By the name of its table under `[analysis]`.
STUDIES: dict[str, Study] = {
    "noise": noise.STUDY,
    "spectrum": spectrum.STUDY,
    "dwell_times": dwell_times.STUDY,
    "single_channel": single_channel.STUDY,
}
