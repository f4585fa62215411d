"""Cells of many compartments, and the synapses that join them."""
