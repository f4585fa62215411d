"""Sections cut into compartments, against areas and resistances in closed form."""

from __future__ import annotations

import numpy as np
import pytest

from stochhh.circuit.frusta import Shape, cut
from stochhh.circuit.mesh import Mesh, length_constant_um

RESISTIVITY = 100.0  # ohm cm: an ohm of a cylinder is 1e6 length / (pi/4 d²), in µm


def section(*points, parent=-1, fraction=1.0, name="s"):
    distance, diameter = np.array(points, dtype=float).T
    return Shape(name, name, parent, fraction, distance, diameter)


def cylinder_nS(length_um, diameter_um):
    return 1e9 * np.pi / 4 * diameter_um**2 / (RESISTIVITY * 1e4 * length_um)


def test_a_cylinder_has_the_area_and_the_conductances_of_one():
    geometry = cut([section((0, 2), (100, 2))], [10], RESISTIVITY)
    assert geometry.parent.tolist() == [-1, *range(9)]
    np.testing.assert_allclose(geometry.area_um2, np.pi * 2 * 10)
    np.testing.assert_allclose(geometry.axial_nS[1:], cylinder_nS(10, 2))
    np.testing.assert_allclose(geometry.position_um, np.arange(10) * 10 + 5)
    assert geometry.axial_nS[0] == 0.0


def test_a_cone_has_the_slanted_area_and_the_exact_resistance():
    geometry = cut([section((0, 4), (10, 1))], [3], RESISTIVITY)
    assert geometry.area_um2.sum() == pytest.approx(np.pi * 2.5 * np.hypot(10, 1.5))
    between_middles = sum(1 / geometry.axial_nS[1:])
    ends = np.interp([10 / 6, 50 / 6], [0, 10], [4, 1])
    exact = 4 * RESISTIVITY * 1e4 / np.pi * (40 / 6) / ends.prod() * 1e-9
    assert between_middles == pytest.approx(exact)


def test_points_within_a_section_add_up_whatever_the_cuts():
    points = [(0, 1), (3, 2), (4, 2), (9, 0.5)]
    areas, lengths = [], []
    for n in (1, 2, 7):
        geometry = cut([section(*points)], [n], RESISTIVITY)
        areas.append(geometry.area_um2.sum())
        lengths.append(geometry.length_um.sum())
    frusta = np.pi * (1.5 * np.hypot(3, 0.5) + 2 + 1.25 * np.hypot(5, 0.75))
    np.testing.assert_allclose(areas, frusta)
    np.testing.assert_allclose(lengths, 9)


def test_a_section_follows_another_in_series():
    shapes = [section((0, 2), (10, 2)), section((0, 1), (20, 1), parent=0)]
    geometry = cut(shapes, [1, 1], RESISTIVITY)
    joined = 1 / (1 / cylinder_nS(5, 2) + 1 / cylinder_nS(10, 1))
    assert geometry.axial_nS[1] == pytest.approx(joined)
    assert geometry.position_um.tolist() == [5, 20]


def test_branches_share_a_point_without_membrane():
    shapes = [
        section((0, 2), (10, 2)),
        section((0, 1), (20, 1), parent=0),
        section((0, 1), (30, 1), parent=0),
    ]
    geometry = cut(shapes, [1, 1, 1], RESISTIVITY)
    assert geometry.parent.tolist() == [-1, 0, 1, 1]
    assert geometry.area_um2[1] == 0.0
    assert geometry.section.tolist() == [0, 0, 1, 2]
    np.testing.assert_allclose(
        geometry.axial_nS[1:], [cylinder_nS(5, 2), cylinder_nS(10, 1), cylinder_nS(15, 1)]
    )


def test_sections_on_a_middle_need_no_such_point():
    shapes = [
        section((0, 10), (10, 10)),
        section((0, 1), (20, 1), parent=0, fraction=0.5),
        section((0, 1), (20, 1), parent=0, fraction=0.5),
    ]
    geometry = cut(shapes, [1, 1, 1], RESISTIVITY)
    assert geometry.parent.tolist() == [-1, 0, 0]
    np.testing.assert_allclose(geometry.axial_nS[1:], cylinder_nS(10, 1))


def test_compartments_are_a_share_of_the_length_constant():
    # ½ √(d / (π f R C)): 1 µm, 100 Hz, 100 ohm cm, 1 µF/cm² make ½ √(1e-4 / 0.0314) cm
    constant = length_constant_um(1.0, 100.0, 1.0)
    assert constant == pytest.approx(0.5 * np.sqrt(1e-4 / (np.pi * 0.01)) * 1e4)
    assert Mesh(1000.0, 0.05 * constant).number == int(np.ceil(1000 / (0.05 * constant)))
    # ½ √(d / (R g)) of a leaky membrane, 10 mS/cm²: ½ √(1e-4 / 1) cm
    assert length_constant_um(1.0, 100.0, 1.0, 10.0) == pytest.approx(50.0)


def test_a_graded_mesh_is_short_at_both_ends_and_nowhere_too_long():
    edge = Mesh(150.0, 10.0, 0.5).edge_um()
    length = np.diff(edge)
    middle = 0.5 * (edge[1:] + edge[:-1])
    np.testing.assert_allclose(length, length[::-1])
    assert edge[0] == 0.0
    assert edge[-1] == 150.0
    assert 0.4 < length[0] <= 0.56
    assert np.all(length <= np.minimum(0.5 + 0.2 * np.minimum(middle, 150 - middle), 10.0) * 1.02)
    assert len(edge) == Mesh(150.0, 10.0, 0.5).number + 1 < 40
    np.testing.assert_allclose(np.diff(Mesh(150.0, 10.0, 20.0).edge_um()), 10.0)


def test_a_branch_between_two_middles_parts_them_where_it_is():
    shapes = [section((0, 2), (40, 2)), section((0, 1), (20, 1), parent=0, fraction=0.7)]
    geometry = cut(shapes, [2, 1], RESISTIVITY)  # middles at 10 and 30, the branch at 28
    assert geometry.parent.tolist() == [-1, 0, 1, 1]
    assert geometry.position_um.tolist() == [10, 28, 30, 38]
    np.testing.assert_allclose(
        geometry.axial_nS[1:], [cylinder_nS(18, 2), cylinder_nS(2, 2), cylinder_nS(10, 1)]
    )
    assert geometry.area_um2[1] == 0.0
