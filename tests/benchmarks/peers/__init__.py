"""Other simulators, given the membrane of `peers.squid` each in its own terms.

Modules that simulate a patch have ``prepare_patch(patch, setting)``, those that
can hold the voltage ``prepare_clamp(held, setting)``; `peers.work` says what
these take and give. Each module's docstring tells how that simulator expresses
the model. Nothing here is imported by stochhh, and a peer is imported only when
one of its rows is run.
"""
