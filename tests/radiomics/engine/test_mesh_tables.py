"""Tables of the mesh: every triangle joins edges that leave the ROI, and each mesh is closed."""

import numpy as np

from pipeline.radiomics.engine.mesh_tables import CUBE_EDGES, LINES, SQUARE_EDGES, TRIANGLES

CUBE = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 1], [0, 1, 0], [1, 0, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0]])
SQUARE = np.array([[0, 0], [0, 1], [1, 1], [1, 0]])


def cut(cell, edge, corners):
    """Whether an edge joins a corner inside the ROI with one outside."""
    ends = [k for k, corner in enumerate(corners) if (np.abs(2 * corner - edge) <= 1).all()]
    return len(ends) == 2 and len({cell >> k & 1 for k in ends}) == 2


def test_triangles_use_exactly_the_edges_that_are_cut():
    for cell, row in enumerate(TRIANGLES):
        used = {int(edge) for edge in row if edge >= 0}
        assert used == {edge for edge in range(12) if cut(cell, CUBE_EDGES[edge], CUBE)}


def test_lines_use_exactly_the_edges_that_are_cut():
    for cell, row in enumerate(LINES):
        used = {int(edge) for edge in row if edge >= 0}
        assert used == {edge for edge in range(4) if cut(cell, SQUARE_EDGES[edge], SQUARE)}
