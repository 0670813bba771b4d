"""Features of repeated masks, made so that their agreement is known."""

import numpy as np
import pandas as pd


def repeated(n: int = 20, *, repeats: int = 3, seed: int = 0) -> pd.DataFrame:
    """`steady` varies between images and hardly between masks, `loose` as much, `flat` not at all."""
    rng = np.random.default_rng(seed)
    image, mask = np.divmod(np.arange(n * repeats), repeats)
    rows = pd.DataFrame({"image_id": [f"i{i:02d}" for i in image], "repeat": mask.astype(str)})
    noise = rng.normal(size=(2, n * repeats))
    truth = rng.normal(size=n)[image]
    rows = rows.assign(status="ok", reason=None, dice=0.9)
    return rows.assign(steady=truth + 0.05 * noise[0], loose=truth + noise[1], flat=1.0)
